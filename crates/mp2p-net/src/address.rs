//! Addresses as src/base/address.ts writes them: with the interface of a link-local address or of
//! a group behind `%`.

use crate::sys::{interface_index, interface_name};
use std::net::{IpAddr, SocketAddr, SocketAddrV6};

/// Where a datagram may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Remote {
    /// With the interface as its scope where that is link-local.
    pub address: SocketAddr,
    /// Interface of a group; 0 for unicast.
    pub interface: u32,
}

#[derive(Debug, PartialEq, Eq)]
pub enum AddressError {
    Form,
    /// A group without one.
    InterfaceMissing,
    InterfaceUnknown(String),
}

pub fn parse(text: &str) -> Result<Remote, AddressError> {
    let (host, port) = text.rsplit_once(':').ok_or(AddressError::Form)?;
    let port = port.parse().map_err(|_| AddressError::Form)?;
    let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let (ip, scope) = match inner.unwrap_or(host).split_once('%') {
        Some((ip, scope)) => (ip, Some(scope)),
        None => (inner.unwrap_or(host), None),
    };
    let ip: IpAddr = ip.parse().map_err(|_| AddressError::Form)?;
    if ip.is_ipv6() != inner.is_some() {
        return Err(AddressError::Form);
    }
    let interface = scope.map(interface_of).transpose()?;
    if ip.is_multicast() {
        let interface = interface.ok_or(AddressError::InterfaceMissing)?;
        return Ok(Remote { address: SocketAddr::new(ip, port), interface });
    }
    let address = match ip {
        IpAddr::V6(ip) if ip.is_unicast_link_local() => {
            SocketAddrV6::new(ip, port, 0, interface.unwrap_or(0)).into()
        }
        IpAddr::V6(_) => SocketAddr::new(ip, port),
        IpAddr::V4(_) if interface.is_none() => SocketAddr::new(ip, port),
        IpAddr::V4(_) => return Err(AddressError::Form),
    };
    Ok(Remote { address, interface: 0 })
}

/// By name, else by number.
fn interface_of(scope: &str) -> Result<u32, AddressError> {
    let by_number = || scope.parse().ok().filter(|&index: &u32| index > 0);
    let unknown = || AddressError::InterfaceUnknown(scope.into());
    interface_index(scope).or_else(by_number).ok_or_else(unknown)
}

pub fn format(address: &SocketAddr) -> String {
    match address {
        SocketAddr::V6(v6) if v6.scope_id() != 0 => {
            format!("[{}%{}]:{}", v6.ip(), name_or_number(v6.scope_id()), v6.port())
        }
        _ => address.to_string(),
    }
}

/// An interface that is gone keeps its number.
pub fn name_or_number(interface: u32) -> String {
    interface_name(interface).unwrap_or_else(|| interface.to_string())
}

/// Groups that no router forwards (RFC 4291 section 2.7): interface-local and link-local scope.
pub fn is_link_scope(ip: &IpAddr) -> bool {
    matches!(ip, IpAddr::V6(ip) if ip.is_multicast() && ip.octets()[1] & 0xf <= 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    const LOOPBACK: &str = "lo";
    #[cfg(target_os = "macos")]
    const LOOPBACK: &str = "lo0";

    #[cfg(unix)]
    #[test]
    fn interfaces_stand_behind_the_percent_sign() {
        let loopback = interface_index(LOOPBACK).expect("there is one");
        for (text, interface, scope) in [
            (format!("239.255.1.2%{LOOPBACK}:6727"), loopback, 0),
            (format!("[ff12::8000:1%{LOOPBACK}]:6727"), loopback, 0),
            (format!("[ff12::8000:1%{loopback}]:6727"), loopback, 0),
            (format!("[fe80::1%{LOOPBACK}]:9"), 0, loopback),
            (format!("[2001:db8::1%{LOOPBACK}]:9"), 0, 0),
            ("192.0.2.1:9".into(), 0, 0),
            ("[2001:db8::1]:9".into(), 0, 0),
        ] {
            let remote = parse(&text).expect(&text);
            assert_eq!(remote.interface, interface, "{text}");
            let SocketAddr::V6(v6) = remote.address else { continue };
            assert_eq!(v6.scope_id(), scope, "{text}");
        }
        let link_local = format!("[fe80::1%{LOOPBACK}]:9");
        assert_eq!(format(&parse(&link_local).expect("an address").address), link_local);
    }

    #[test]
    fn what_is_no_address_is_said_to_be_none() {
        for text in ["", "1.2.3.4", "[::1]", "::1:5", "[1.2.3.4]:5", "1.2.3.4%1:5", "[::1]:65536"] {
            assert_eq!(parse(text), Err(AddressError::Form), "{text}");
        }
        assert_eq!(parse("239.255.1.2:9"), Err(AddressError::InterfaceMissing));
        let unknown = Err(AddressError::InterfaceUnknown("no such one".into()));
        assert_eq!(parse("[ff12::1%no such one]:9"), unknown);
    }

    #[test]
    fn only_two_scopes_stay_on_the_link() {
        let on_link = |text: &str| is_link_scope(&text.parse().expect(text));
        assert!(on_link("ff12::1") && on_link("ff02::1") && on_link("ff31::1"));
        assert!(!on_link("ff15::1") && !on_link("ff3e::1") && !on_link("239.255.0.1"));
    }
}
