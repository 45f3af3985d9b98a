//! Groups on the loopback interface, which every machine has and nobody else hears. IPv6 has no
//! route for groups there: __test__/backend/ tries it between namespaces.

use crate::socket::SocketError;
use crate::sys::Bind;
use crate::test_peer::{Outcome, Peer, keys, pattern, stream};
use mp2p_crypto::packet::SUITE_AES_256_GCM;
use std::net::UdpSocket;

const ANNOUNCEMENT: [u8; 40] = [0x58; 40];

/// A port for groups that is this test's own.
fn free_port() -> std::io::Result<u16> {
    Ok(UdpSocket::bind("0.0.0.0:0")?.local_addr()?.port())
}

fn group(last: u8, port: u16) -> String {
    format!("239.255.77.{last}%lo:{port}")
}

fn pair_of(port: u16) -> Result<(Peer, Peer), Box<dyn std::error::Error>> {
    Ok((Peer::open_for_groups("127.0.0.1:0", port)?, Peer::open_for_groups("127.0.0.1:0", port)?))
}

#[test]
fn a_burst_to_a_group_reaches_its_members_with_their_memberships_number() -> Outcome {
    let port = free_port()?;
    let (mut near, mut far) = pair_of(port)?;
    let mut third = Peer::open_for_groups("127.0.0.1:0", port)?;
    far.endpoint.join(&group(9, port), None)?;
    let number = far.endpoint.join(&group(1, port), None)?;
    assert_eq!(far.endpoint.join(&group(1, port), None)?, number);
    assert_eq!(third.endpoint.join(&group(1, port), None)?, 1);
    near.endpoint.install_send(1, keys(SUITE_AES_256_GCM));
    far.endpoint.install_receive(1, keys(SUITE_AES_256_GCM), true)?;
    third.endpoint.install_receive(1, keys(SUITE_AES_256_GCM), true)?;
    let path = near.endpoint.add_path(&group(1, port))?;
    let data = pattern(100_000);
    let sent = near.send(path, &[stream(0, data.len(), 0, true)], &data)?;
    assert!(near.endpoint.totals().send_calls < 10, "segmentation works for groups");
    for (peer, number) in [(&mut far, f64::from(number)), (&mut third, 1.0)] {
        let rows = peer.receive(sent.packets)?;
        assert!(rows.iter().all(|row| row.group.to_bits() == number.to_bits()));
        let joined: Vec<u8> = rows.iter().flat_map(|row| row.bytes.clone()).collect();
        assert_eq!(joined, data);
    }
    Ok(())
}

#[test]
fn groups_that_were_not_joined_and_unicast_to_their_port_are_dropped_and_counted() -> Outcome {
    let port = free_port()?;
    let (mut near, mut far) = pair_of(port)?;
    far.endpoint.join(&group(1, port), None)?;
    let left = far.endpoint.join(&group(2, port), None)?;
    far.endpoint.leave(left);
    // No longer ours: the kernel keeps it away, or we do.
    assert!(near.endpoint.send_plain(&group(2, port), &ANNOUNCEMENT)?);
    let stranger = UdpSocket::bind("127.0.0.1:0")?;
    stranger.send_to(&ANNOUNCEMENT, ("127.0.0.1", port))?;
    assert!(near.endpoint.send_plain(&group(1, port), &ANNOUNCEMENT)?);
    let rows = far.receive(1)?;
    assert_eq!((rows.len(), rows[0].kind, rows[0].group), (1, 2.0, 1.0));
    assert_eq!(far.endpoint.totals().dropped_group, 1);
    // Announcements come by groups only.
    stranger.send_to(&ANNOUNCEMENT, &far.address)?;
    while far.endpoint.totals().dropped_malformed < 1 {
        std::thread::yield_now();
    }
    Ok(())
}

#[test]
fn a_membership_for_one_source_hears_that_one_only() -> Outcome {
    let port = free_port()?;
    let (mut near, mut far) = pair_of(port)?;
    let mut other = Peer::open_for_groups("127.0.0.2:0", port)?;
    let group = format!("232.77.0.1%lo:{port}");
    assert_eq!(far.endpoint.join(&group, Some("127.0.0.2"))?, 1);
    assert_eq!(far.endpoint.join(&group, Some("127.0.0.3"))?, 2);
    assert!(near.endpoint.send_plain(&group, &ANNOUNCEMENT)?);
    assert!(other.endpoint.send_plain(&group, &ANNOUNCEMENT[1..])?);
    let rows = far.receive(1)?;
    assert_eq!((rows.len(), rows[0].group, rows[0].bytes.len()), (1, 1.0, 39));
    // Any source, on the same interface: apart from the others, and with a number of its own.
    assert_eq!(far.endpoint.join(&group, None)?, 3);
    assert!(near.endpoint.send_plain(&group, &ANNOUNCEMENT)?);
    assert_eq!(far.receive(1)?[0].group.to_bits(), 3f64.to_bits());
    Ok(())
}

#[test]
fn more_groups_than_a_socket_holds_are_spread_over_several() -> Outcome {
    let port = free_port()?;
    let (mut near, mut far) = pair_of(port)?;
    for last in 1..=50 {
        assert_eq!(far.endpoint.join(&group(last, port), None)?, last.into());
    }
    assert!(far.endpoint.group_sockets().len() >= 3);
    for last in [50, 1, 25] {
        assert!(near.endpoint.send_plain(&group(last, port), &ANNOUNCEMENT)?);
        assert_eq!(far.receive(1)?[0].group.to_bits(), f64::from(last).to_bits());
    }
    let sockets = far.endpoint.group_sockets().len();
    for last in 1..=50 {
        far.endpoint.leave(last);
        far.endpoint.join(&group(100 + u8::try_from(last)?, port), None)?;
    }
    assert_eq!(far.endpoint.group_sockets().len(), sockets, "room that was left is used");
    Ok(())
}

#[test]
fn what_cannot_be_opened_is_counted_by_its_source() -> Outcome {
    let port = free_port()?;
    let (mut near, mut far) = pair_of(port)?;
    far.endpoint.join(&group(1, port), None)?;
    far.endpoint.install_receive(1, keys(SUITE_AES_256_GCM), true)?;
    near.endpoint.install_send(1, keys(SUITE_AES_256_GCM));
    let path = near.endpoint.add_path(&group(1, port))?;
    near.send(path, &[stream(0, 100, 0, false)], &[0; 100])?;
    far.receive(1)?;
    // The same numbers anew: replays, as the receiver sees it.
    near.endpoint.install_send(1, keys(SUITE_AES_256_GCM));
    near.send(path, &[stream(0, 100, 0, false)], &[0; 100])?;
    let mut forged = [0; 60];
    forged[0] = 0x56;
    forged[1..9].copy_from_slice(&[4; 8]);
    near.endpoint.send_plain(&group(1, port), &forged)?;
    for _ in 0..2 {
        near.endpoint.send_plain(&group(1, port), &[0x56; 60])?;
    }
    while far.endpoint.totals().dropped_unknown < 2 {
        std::thread::yield_now();
    }
    let reports = far.endpoint.group_drops();
    assert_eq!(reports.len(), 1);
    assert_eq!((&reports[0].source, reports[0].interface.as_str()), (&near.address, "lo"));
    let drops = reports[0].drops;
    assert_eq!((drops.unknown, drops.forged, drops.replayed), (2, 1, 1));
    Ok(())
}

#[test]
fn what_cannot_be_joined_says_why() -> Outcome {
    let port = free_port()?;
    let (_, mut far) = pair_of(port)?;
    let mut plain = Peer::open("127.0.0.1:0")?;
    for (refused, why) in [
        (far.endpoint.join("239.255.77.1%nosuch0:1", None), "there is no interface nosuch0"),
        (far.endpoint.join(&format!("[ff12::8000:1%lo]:{port}"), None), "speaks its family"),
        (plain.endpoint.join(&group(1, port), None), "opened without multicast"),
        (plain.endpoint.add_path(&group(1, port)).map(|_| 0), "opened without multicast"),
    ] {
        let Err(SocketError::NoMulticast(text) | SocketError::NoInterface(text)) = refused else {
            return Err(format!("{refused:?}, not {why}").into());
        };
        assert!(text.contains(why), "{text}");
    }
    for wrong in [
        far.endpoint.join(&format!("239.255.77.1:{port}"), None),
        far.endpoint.join("239.255.77.1%lo:1", None),
        far.endpoint.join(&format!("127.0.0.1:{port}"), None),
        far.endpoint.join(&group(1, port), Some("::1")),
        far.endpoint.join(&group(1, port), Some("239.1.1.1")),
    ] {
        assert!(matches!(wrong, Err(SocketError::Argument(_))), "{wrong:?}");
    }
    Ok(())
}

#[test]
fn a_port_that_a_program_has_for_itself_is_named() -> Outcome {
    let taken = Bind::open("0.0.0.0:0".parse()?, None, None)?;
    let port = taken.local.port();
    let mut peer = Peer::open_for_groups("127.0.0.1:0", port)?;
    let Err(SocketError::NoMulticast(text)) = peer.endpoint.join(&group(1, port), None) else {
        return Err("joined".into());
    };
    assert!(text.contains(&format!("cannot share port {port}")), "{text}");
    Ok(())
}
