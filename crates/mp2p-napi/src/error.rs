//! Rust errors as JavaScript ones: the codes of src/base/errors.ts, and `RangeError` for arguments.

use mp2p_crypto::SizeError;
use mp2p_net::SocketError;
use napi::bindgen_prelude::{Array, FromNapiValue};
use napi::{Env, Error, Status};
use std::io::{self, ErrorKind};

/// An error whose `code` JavaScript sees.
pub type CodedError = Error<&'static str>;

/// Of an argument that is an array: a plan has no more spans, and fewer sockets are bound.
const MAX_ELEMENTS: u32 = 64;

pub type Result<T> = std::result::Result<T, CodedError>;

/// What napi takes for "an exception is pending: throw nothing more".
fn pending() -> &'static str {
    Status::PendingException.as_ref()
}

fn range_error(env: &Env, message: &str) -> CodedError {
    match env.throw_range_error(message, Some("ERR_OUT_OF_RANGE")) {
        Ok(()) => Error::new(pending(), String::new()),
        Err(error) => Error::new("ERR_OUT_OF_RANGE", error.reason.clone()),
    }
}

pub fn size_error(env: &Env, error: &SizeError) -> CodedError {
    range_error(env, &error.to_string())
}

pub fn argument_error(env: &Env, message: &str) -> CodedError {
    range_error(env, message)
}

/// A number that JavaScript gave, whole and from 0 to `most`: it has no other kind of number, and what it
/// does not fit into must not be cut or wrapped.
pub fn whole(env: &Env, name: &str, number: f64, most: u32) -> Result<u32> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "compared below")]
    let cut = number as u32;
    if cut <= most && (f64::from(cut) - number).abs() < f64::MIN_POSITIVE {
        return Ok(cut);
    }
    Err(range_error(env, &format!("{name} must be a whole number from 0 to {most}, not {number}")))
}

/// The elements of an array that nobody makes long: room for what a program says it has could be
/// more than there is, which ends the process.
pub fn elements<T: FromNapiValue>(env: &Env, name: &str, array: &Array) -> Result<Vec<T>> {
    if array.len() > MAX_ELEMENTS {
        return Err(argument_error(env, &format!("{name} has at most {MAX_ELEMENTS} elements")));
    }
    let element = |index| match array.get(index) {
        Ok(Some(element)) => Ok(element),
        Ok(None) => Err(argument_error(env, &format!("{name} lacks an element"))),
        Err(error) => Err(argument_error(env, &format!("{name}: {}", error.reason))),
    };
    (0..array.len()).map(element).collect()
}

pub fn socket_error(env: &Env, error: &SocketError) -> CodedError {
    let code = match error {
        SocketError::Argument(message) => return range_error(env, message),
        SocketError::TooManyPaths | SocketError::TooManyMemberships => "MP2P_LIMIT",
        SocketError::NoMulticast(_) | SocketError::NoInterface(_) => "MP2P_NO_MULTICAST",
        SocketError::Bind { error, .. } => bind_code(error),
        SocketError::System(_) => "MP2P_SOCKET",
    };
    Error::new(code, error.to_string())
}

fn bind_code(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::AddrInUse => "MP2P_PORT_IN_USE",
        ErrorKind::PermissionDenied => "MP2P_PERMISSION",
        ErrorKind::AddrNotAvailable
        | ErrorKind::NetworkDown
        | ErrorKind::NetworkUnreachable
        | ErrorKind::HostUnreachable
        // A family that the machine lacks (EAFNOSUPPORT).
        | ErrorKind::Unsupported => "MP2P_NO_NETWORK",
        _ => "MP2P_SOCKET",
    }
}

pub fn system_error(error: &io::Error) -> CodedError {
    Error::new("MP2P_SOCKET", error.to_string())
}

/// An error of napi itself: the environment is out of memory or ends.
pub fn napi_error(error: &Error) -> CodedError {
    Error::new("MP2P_SOCKET", error.reason.clone())
}
