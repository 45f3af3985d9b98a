//! Every open socket of a JavaScript thread, so that the end of its environment ends their
//! receive threads, whatever JavaScript forgot to close.

use crate::raw::can_expose;
#[cfg(unix)]
use crate::raw::{Watched, Watcher};
use mp2p_net::UdpEndpoint;
use napi::Error;
use napi::bindgen_prelude::{Env, Object, Result};
use napi_derive::napi;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::{Rc, Weak};

/// An open socket; the watcher goes first, as its descriptors are the endpoint's.
pub struct OpenSocket {
    #[cfg(unix)]
    pub watcher: Option<Watcher>,
    pub endpoint: UdpEndpoint,
}

/// `None` once closed.
pub type Slot = RefCell<Option<OpenSocket>>;

/// Reads on the event loop, for as long as the socket is open.
#[cfg(unix)]
pub struct Reading(pub Weak<Slot>);

#[cfg(unix)]
impl Watched for Reading {
    fn read(&self) -> bool {
        let Some(slot) = self.0.upgrade() else { return false };
        let mut open = slot.borrow_mut();
        let Some(OpenSocket { watcher: Some(watcher), endpoint }) = open.as_mut() else {
            return false;
        };
        if endpoint.read() {
            watcher.stop();
        } else if endpoint.waits_awake() {
            watcher.stay_awake();
        }
        endpoint.has_news()
    }

    fn waits_awake(&self) -> bool {
        let Some(slot) = self.0.upgrade() else { return false };
        slot.borrow().as_ref().is_some_and(|open| open.endpoint.waits_awake())
    }
}

thread_local! {
    static OPEN: RefCell<(u64, HashMap<u64, Weak<Slot>>)> = RefCell::default();
}

/// Keeps track of `endpoint` until `forget`.
pub fn remember(endpoint: UdpEndpoint) -> (u64, Rc<Slot>) {
    let open = OpenSocket {
        #[cfg(unix)]
        watcher: None,
        endpoint,
    };
    let slot = Rc::new(RefCell::new(Some(open)));
    let id = OPEN.with_borrow_mut(|(last, open)| {
        *last += 1;
        open.insert(*last, Rc::downgrade(&slot));
        *last
    });
    (id, slot)
}

pub fn forget(id: u64) {
    // At the end of a thread the table may be gone before the last socket.
    let _ = OPEN.try_with(|open| open.borrow_mut().1.remove(&id));
}

fn close_all() {
    let open = OPEN.take().1;
    for slot in open.into_values().filter_map(|slot| slot.upgrade()) {
        drop(slot.take());
    }
}

#[napi(module_exports)]
pub fn init(_exports: Object, env: Env) -> Result<()> {
    if !can_expose(&env)? {
        return Err(Error::from_reason("JavaScript takes no memory from outside here"));
    }
    env.add_env_cleanup_hook((), |()| close_all())?;
    Ok(())
}
