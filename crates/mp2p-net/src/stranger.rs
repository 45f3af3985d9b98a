//! Sorts strangers before JavaScript sees them (WIRE item 17). Byte tables: docs/PROTOCOL.md,
//! "Packets" and "Cookies"; the order of the steps is part of the protocol's defence.

use crate::bucket::{Bucket, Buckets};
use crate::cookie_jar::{COOKIE_BYTES, Caller, CookieJar, TYPE_COOKIE};
use mp2p_crypto::hash::{equal_macs, mac16};
use mp2p_crypto::packet::Cid;
use std::net::IpAddr;

const TYPE_INIT: u8 = 0x50;
const TYPE_RESP: u8 = 0x51;
const TYPE_FIN: u8 = 0x52;
const TYPE_VERNEG: u8 = 0x54;
const TYPE_ANNOUNCE: u8 = 0x58;
const VERSION: u8 = 1;

pub const INIT_BYTES: usize = 384;
const RESP_BYTES: usize = 320;
const FIN_BYTES: usize = 256;
const VERNEG_BYTES: std::ops::RangeInclusive<usize> = 12..=INIT_BYTES;
/// The longest INIT that some later version may have: what fits a packet of any sane path.
const MAX_INIT_BYTES: usize = 2048;
/// An announcement may be padded to the size of the data it announces.
const ANNOUNCE_BYTES: std::ops::RangeInclusive<usize> = 4..=8972;
const MAC_BYTES: usize = 16;

/// INITs a second from one source that holds our cookie.
const COOKIE_HOLDER_RATE: f64 = 20.0;
const COOKIE_ANSWERS_PER_SECOND: f64 = 1000.0;
/// How long the rate must stay within limits before INITs pass without a cookie again.
const CALM_MS: f64 = 5_000.0;
const SOURCES: usize = 4096;
/// One address has this share of the common rate of announcements.
const ANNOUNCER_SHARE: f64 = 0.1;

pub struct Addressee {
    pub mac1_key: [u8; 32],
    pub cookie_key: [u8; 32],
}

#[derive(Clone, Copy, PartialEq)]
pub struct Limits {
    pub inits_per_second: f64,
    pub inits_per_source_per_second: f64,
    pub inits_per_source_burst: f64,
    pub announcements_per_second: f64,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    Pass,
    Malformed,
    /// An answer to a connection id nobody expects.
    Unknown,
    /// An INIT that does not know whom it addresses.
    Stranger,
    Limited,
    Cookie(Box<[u8; COOKIE_BYTES]>),
}

/// The connection id that an answer names; `None` for other types or an impossible length.
pub fn cid_answered(datagram: &[u8]) -> Option<Cid> {
    let possible = match *datagram.first()? {
        TYPE_RESP => datagram.len() == RESP_BYTES,
        TYPE_FIN => datagram.len() == FIN_BYTES,
        TYPE_COOKIE => datagram.len() == COOKIE_BYTES,
        TYPE_VERNEG => VERNEG_BYTES.contains(&datagram.len()),
        _ => false,
    };
    if possible { datagram[4..12].try_into().ok() } else { None }
}

/// What one customer of a network has, and for who speaks to a group the interface: an IPv4
/// address or an IPv6 /64.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Source {
    V4([u8; 4], u32),
    V6([u8; 8], u32),
}

impl Source {
    fn of(Caller { address, interface }: Caller) -> Self {
        match address.ip() {
            IpAddr::V4(ip) => Self::V4(ip.octets(), interface),
            IpAddr::V6(ip) => {
                let mut prefix = [0; 8];
                prefix.copy_from_slice(&ip.octets()[..8]);
                Self::V6(prefix, interface)
            }
        }
    }
}

pub struct Filter {
    addressees: Vec<Addressee>,
    limits: Limits,
    all: Bucket,
    by_source: Buckets<Source>,
    cookie_holders: Buckets<Source>,
    answers: Bucket,
    announcements: Bucket,
    /// By address and interface: neighbours share the IPv6 /64.
    announcers: Buckets<(IpAddr, u32)>,
    /// Until when INITs need a cookie.
    alarm_until_ms: f64,
    cookies: CookieJar,
}

impl Filter {
    /// Passes no INIT until `set`.
    pub fn new() -> Self {
        let limits = Limits {
            inits_per_second: 0.0,
            inits_per_source_per_second: 0.0,
            inits_per_source_burst: 0.0,
            announcements_per_second: 0.0,
        };
        Self {
            addressees: Vec::new(),
            limits,
            all: Bucket::full(0.0, 0.0),
            by_source: Buckets::new(SOURCES),
            cookie_holders: Buckets::new(SOURCES),
            answers: Bucket::full(COOKIE_ANSWERS_PER_SECOND, 0.0),
            announcements: Bucket::full(0.0, 0.0),
            announcers: Buckets::new(SOURCES),
            alarm_until_ms: f64::NEG_INFINITY,
            cookies: CookieJar::default(),
        }
    }

    /// Replaces addressees and limits; new limits start with full buckets.
    pub fn set(&mut self, addressees: Vec<Addressee>, limits: Limits, now_ms: f64) {
        self.addressees = addressees;
        if limits != self.limits {
            self.limits = limits;
            self.all = Bucket::full(limits.inits_per_second, now_ms);
            self.by_source = Buckets::new(SOURCES);
            self.announcements = Bucket::full(limits.announcements_per_second, now_ms);
            self.announcers = Buckets::new(SOURCES);
            self.alarm_until_ms = f64::NEG_INFINITY;
        }
    }

    /// Judges anything but sealed packets and answers.
    pub fn judge(&mut self, datagram: &[u8], from: Caller, now_ms: f64) -> Verdict {
        if !is_init(datagram) {
            return Verdict::Malformed;
        }
        let (covered, mac1) = split_mac1(datagram);
        let addressee =
            self.addressees.iter().position(|a| equal_macs(&mac16(&a.mac1_key, covered), mac1));
        let Some(addressee) = addressee else { return Verdict::Stranger };

        let mac2 = &datagram[datagram.len() - MAC_BYTES..];
        let covered = &datagram[..datagram.len() - MAC_BYTES];
        if mac2.iter().any(|&byte| byte != 0)
            && self.cookies.of(from, now_ms).any(|c| equal_macs(&mac16(&c, covered), mac2))
        {
            let bucket = self.cookie_holders.bucket(&Source::of(from), COOKIE_HOLDER_RATE, now_ms);
            if !bucket.has(COOKIE_HOLDER_RATE, COOKIE_HOLDER_RATE, now_ms) {
                return Verdict::Limited;
            }
            bucket.take();
            return Verdict::Pass;
        }
        if self.admit(from, now_ms) {
            return Verdict::Pass;
        }
        self.cookie_answer(datagram, from, addressee, now_ms)
    }

    /// Judges an announcement that came by a group: one address over its own rate costs the others
    /// nothing. Addresses can be made up, so all share a rate, too.
    pub fn judge_announcement(&mut self, from: Caller, now_ms: f64) -> Verdict {
        let rate = self.limits.announcements_per_second;
        let (share, burst) = (rate * ANNOUNCER_SHARE, (rate * ANNOUNCER_SHARE).max(1.0));
        let own = self.announcers.bucket(&(from.address.ip(), from.interface), burst, now_ms);
        if !own.has(share, burst, now_ms) || !self.announcements.has(rate, rate, now_ms) {
            return Verdict::Limited;
        }
        own.take();
        self.announcements.take();
        Verdict::Pass
    }

    /// One source over its own rate costs the others nothing: only then is the common bucket asked.
    fn admit(&mut self, from: Caller, now_ms: f64) -> bool {
        let Limits {
            inits_per_second, inits_per_source_per_second, inits_per_source_burst, ..
        } = self.limits;
        let own = self.by_source.bucket(&Source::of(from), inits_per_source_burst, now_ms);
        if !own.has(inits_per_source_per_second, inits_per_source_burst, now_ms) {
            return false;
        }
        if !self.all.has(inits_per_second, inits_per_second, now_ms) {
            self.alarm_until_ms = now_ms + CALM_MS;
            return false;
        }
        own.take();
        self.all.take();
        now_ms >= self.alarm_until_ms
    }

    fn cookie_answer(
        &mut self,
        init: &[u8],
        from: Caller,
        addressee: usize,
        now_ms: f64,
    ) -> Verdict {
        let rate = COOKIE_ANSWERS_PER_SECOND;
        if !self.answers.has(rate, rate, now_ms) {
            return Verdict::Limited;
        }
        self.answers.take();
        let (_, mac1) = split_mac1(init);
        let key = &self.addressees[addressee].cookie_key;
        let sealed = self.cookies.answer(&init[4..12], mac1, key, from, now_ms);
        sealed.map_or(Verdict::Limited, |answer| Verdict::Cookie(Box::new(answer)))
    }
}

pub fn is_announcement(datagram: &[u8]) -> bool {
    ANNOUNCE_BYTES.contains(&datagram.len()) && datagram[0] == TYPE_ANNOUNCE
}

/// Version 1 is exactly 384 bytes; of other versions only the invariants are known.
fn is_init(datagram: &[u8]) -> bool {
    datagram.len() >= INIT_BYTES
        && datagram.len() <= MAX_INIT_BYTES
        && datagram[0] == TYPE_INIT
        && (datagram[1] != VERSION || datagram.len() == INIT_BYTES)
}

/// What mac1 covers, and mac1.
fn split_mac1(init: &[u8]) -> (&[u8], &[u8]) {
    init[..init.len() - MAC_BYTES].split_at(init.len() - 2 * MAC_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mp2p_crypto::hash::hkdf_sha512;
    use mp2p_crypto::single;
    use std::net::SocketAddr;

    const MAC1_KEY: [u8; 32] = [1; 32];
    const COOKIE_KEY: [u8; 32] = [2; 32];

    fn filter(all: f64, source: f64, burst: f64) -> Filter {
        let mut filter = Filter::new();
        let limits = Limits {
            inits_per_second: all,
            inits_per_source_per_second: source,
            inits_per_source_burst: burst,
            announcements_per_second: 30.0,
        };
        let other = Addressee { mac1_key: [9; 32], cookie_key: [9; 32] };
        let ours = Addressee { mac1_key: MAC1_KEY, cookie_key: COOKIE_KEY };
        filter.set(vec![other, ours], limits, 0.0);
        filter
    }

    fn init(cookie: Option<[u8; 16]>) -> Vec<u8> {
        let mut init = vec![0xab; INIT_BYTES];
        init[0] = TYPE_INIT;
        init[1] = VERSION;
        init[4..12].copy_from_slice(b"dialler!");
        let mac1 = mac16(&MAC1_KEY, &init[..352]);
        init[352..368].copy_from_slice(&mac1);
        let mac2 = cookie.map_or([0; 16], |cookie| mac16(&cookie, &init[..368]));
        init[368..].copy_from_slice(&mac2);
        init
    }

    fn source(host: u8, port: u16) -> Caller {
        Caller { address: SocketAddr::from(([10, 0, 0, host], port)), interface: 0 }
    }

    /// What the dialler does with a COOKIE.
    fn open_cookie(verdict: Verdict, init: &[u8]) -> Option<[u8; 16]> {
        let Verdict::Cookie(answer) = verdict else { return None };
        assert_eq!(answer[..4], [TYPE_COOKIE, 1, 0, 0]);
        assert_eq!(&answer[4..12], b"dialler!");
        let mut key = [0; 32];
        hkdf_sha512(&answer[12..36], &COOKIE_KEY, b"mp2p/1 cookie box\0", &mut key).ok()?;
        let mut sealed = answer[36..].to_vec();
        single::open(&key, &[0; 12], &init[352..368], &mut sealed).ok()??.try_into().ok()
    }

    #[test]
    fn only_inits_for_an_addressee_pass() {
        let mut filter = filter(100.0, 100.0, 100.0);
        assert_eq!(filter.judge(&init(None), source(1, 1), 0.0), Verdict::Pass);
        for byte in 0..368 {
            let mut spoiled = init(None);
            spoiled[byte] ^= 1;
            let verdict = filter.judge(&spoiled, source(1, 1), 0.0);
            let wanted = if byte == 0 { Verdict::Malformed } else { Verdict::Stranger };
            assert_eq!(verdict, wanted, "byte {byte}");
        }
        for length in [0, 1, 383, 385, 4000] {
            let mut bytes = init(None);
            bytes.resize(length, 0);
            assert_eq!(filter.judge(&bytes, source(1, 1), 0.0), Verdict::Malformed, "{length}");
        }
    }

    #[test]
    fn a_longer_init_of_a_later_version_passes_by_its_last_32_bytes() {
        let mut filter = filter(100.0, 100.0, 100.0);
        let mut later = vec![0; 1200];
        later[0] = TYPE_INIT;
        later[1] = 2;
        let mac1 = mac16(&MAC1_KEY, &later[..1168]);
        later[1168..1184].copy_from_slice(&mac1);
        assert_eq!(filter.judge(&later, source(1, 1), 0.0), Verdict::Pass);
    }

    #[test]
    fn a_source_over_its_burst_gets_a_cookie_which_opens_the_door() {
        let mut filter = filter(1000.0, 1.0, 2.0);
        let plain = init(None);
        assert_eq!(filter.judge(&plain, source(1, 1), 0.0), Verdict::Pass);
        assert_eq!(filter.judge(&plain, source(1, 2), 0.0), Verdict::Pass);
        let verdict = filter.judge(&plain, source(1, 3), 0.0);
        let cookie = open_cookie(verdict, &plain);
        assert!(cookie.is_some());
        let with_cookie = init(cookie);
        assert_eq!(filter.judge(&with_cookie, source(1, 3), 1.0), Verdict::Pass);
        // The cookie is the address's and port's own.
        assert!(open_cookie(filter.judge(&with_cookie, source(1, 4), 1.0), &plain).is_some());
        // Others are untouched.
        assert_eq!(filter.judge(&plain, source(2, 1), 1.0), Verdict::Pass);
    }

    #[test]
    fn who_speaks_to_a_group_is_told_apart_by_interface() {
        let mut filter = filter(1000.0, 0.001, 1.0);
        let plain = init(None);
        let on = |interface| Caller { interface, ..source(1, 1) };
        for interface in 0..3 {
            assert_eq!(filter.judge(&plain, on(interface), 0.0), Verdict::Pass, "{interface}");
        }
        let with_cookie = init(open_cookie(filter.judge(&plain, on(1), 0.0), &plain));
        for interface in [0, 2] {
            let verdict = filter.judge(&with_cookie, on(interface), 1.0);
            assert!(matches!(verdict, Verdict::Cookie(_)), "{interface}");
        }
        assert_eq!(filter.judge(&with_cookie, on(1), 1.0), Verdict::Pass);
    }

    #[test]
    fn a_cookie_lasts_for_one_change_of_the_secret() {
        let mut filter = filter(1000.0, 0.0, 0.0);
        let plain = init(None);
        let cookie = open_cookie(filter.judge(&plain, source(1, 1), 0.0), &plain);
        let with_cookie = init(cookie);
        assert_eq!(filter.judge(&with_cookie, source(1, 1), 130_000.0), Verdict::Pass);
        let late = filter.judge(&with_cookie, source(1, 1), 260_000.0);
        assert!(matches!(late, Verdict::Cookie(_)));
    }

    #[test]
    fn holders_of_a_cookie_have_a_limit_of_their_own() {
        let mut filter = filter(1000.0, 0.0, 0.0);
        let plain = init(None);
        let with_cookie = init(open_cookie(filter.judge(&plain, source(1, 1), 0.0), &plain));
        let passed = (0..30)
            .filter(|_| filter.judge(&with_cookie, source(1, 1), 1.0) == Verdict::Pass)
            .count();
        assert_eq!(passed, 20);
        assert_eq!(filter.judge(&with_cookie, source(1, 1), 1.0), Verdict::Limited);
    }

    #[test]
    fn a_flood_from_everywhere_asks_everybody_for_cookies_until_five_calm_seconds() {
        let mut filter = filter(10.0, 100.0, 100.0);
        let plain = init(None);
        let verdicts =
            (0..20).map(|host| filter.judge(&plain, source(host, 1), 0.0)).collect::<Vec<_>>();
        assert_eq!(verdicts.iter().filter(|&verdict| *verdict == Verdict::Pass).count(), 10);
        assert!(matches!(filter.judge(&plain, source(100, 1), 4_900.0), Verdict::Cookie(_)));
        assert_eq!(filter.judge(&plain, source(101, 1), 5_100.0), Verdict::Pass);
    }

    #[test]
    fn one_source_over_its_rate_does_not_use_up_the_common_rate() {
        let mut filter = filter(10.0, 1.0, 1.0);
        let plain = init(None);
        for _ in 0..100 {
            filter.judge(&plain, source(1, 1), 0.0);
        }
        assert_eq!(filter.judge(&plain, source(2, 1), 0.0), Verdict::Pass);
    }

    #[test]
    fn cookies_themselves_are_limited() {
        let mut filter = filter(0.0, 0.0, 0.0);
        let plain = init(None);
        let answered = (0..3000)
            .filter(|_| matches!(filter.judge(&plain, source(1, 1), 1.0), Verdict::Cookie(_)))
            .count();
        assert_eq!(answered, 1000);
        assert_eq!(filter.judge(&plain, source(1, 1), 1.0), Verdict::Limited);
    }

    fn announced(filter: &mut Filter, from: Caller, times: usize, at: f64) -> usize {
        (0..times).filter(|_| filter.judge_announcement(from, at) == Verdict::Pass).count()
    }

    #[test]
    fn announcements_have_a_rate_of_their_own() {
        let mut filter = filter(0.0, 0.0, 0.0);
        let passed = |filter: &mut Filter, at| {
            (0..100).map(|host| announced(filter, source(host, 1), 1, at)).sum::<usize>()
        };
        assert_eq!(passed(&mut filter, 0.0), 30);
        assert_eq!(passed(&mut filter, 700.0), 21);
        assert!(is_announcement(&[TYPE_ANNOUNCE; 40]) && !is_announcement(&[TYPE_ANNOUNCE]));
        let by_unicast = filter.judge(&[TYPE_ANNOUNCE; 40], source(1, 1), 5_000.0);
        assert_eq!(by_unicast, Verdict::Malformed);
    }

    #[test]
    fn one_address_that_announces_without_end_leaves_the_others_heard() {
        let mut filter = filter(0.0, 0.0, 0.0);
        assert_eq!(announced(&mut filter, source(1, 1), 500, 0.0), 3);
        assert_eq!(announced(&mut filter, source(1, 2), 1, 0.0), 0, "another port");
        assert_eq!(announced(&mut filter, source(2, 1), 3, 0.0), 3, "another host");
        let elsewhere = Caller { interface: 7, ..source(1, 1) };
        assert_eq!(announced(&mut filter, elsewhere, 3, 0.0), 3, "another interface");
        assert_eq!(announced(&mut filter, source(1, 1), 9, 1_000.0), 3, "a second later");
    }

    #[test]
    fn neighbours_of_one_ipv6_network_announce_each_at_its_own_rate() {
        let mut filter = filter(0.0, 0.0, 0.0);
        let neighbour = |last: u16| Caller {
            address: SocketAddr::from(([0xfe80, 0, 0, 0, 0, 0, 0, last], 6727)),
            interface: 2,
        };
        assert_eq!(announced(&mut filter, neighbour(1), 500, 0.0), 3);
        assert_eq!(announced(&mut filter, neighbour(2), 1, 0.0), 1);
    }

    #[test]
    fn where_the_common_rate_is_low_each_address_still_has_an_announcement() {
        let mut filter = filter(0.0, 0.0, 0.0);
        filter.set(Vec::new(), Limits { announcements_per_second: 2.0, ..filter.limits }, 0.0);
        let passed = [1, 2, 3].map(|host| announced(&mut filter, source(host, 1), 5, 0.0));
        assert_eq!(passed, [1, 1, 0]);
    }

    #[test]
    fn all_addresses_of_an_ipv6_network_share_a_bucket() {
        let mut filter = filter(1000.0, 1.0, 1.0);
        let address = |last: u16, net: u16| {
            let address = SocketAddr::from(([0x2001, 0xdb8, 0, net, 0, 0, 0, last], 5000));
            Caller { address, interface: 0 }
        };
        let plain = init(None);
        assert_eq!(filter.judge(&plain, address(1, 1), 0.0), Verdict::Pass);
        assert!(matches!(filter.judge(&plain, address(2, 1), 0.0), Verdict::Cookie(_)));
        assert_eq!(filter.judge(&plain, address(1, 2), 0.0), Verdict::Pass);
    }

    #[test]
    fn sources_are_forgotten_before_they_fill_the_memory() {
        let mut filter = filter(1e12, 1.0, 1.0);
        let plain = init(None);
        for host in 0..20_000u32 {
            let address = SocketAddr::from((host.to_be_bytes(), 1));
            let from = Caller { address, interface: 0 };
            assert_eq!(filter.judge(&plain, from, 0.0), Verdict::Pass);
            filter.judge_announcement(from, 0.0);
        }
        assert!(filter.by_source.len() <= SOURCES);
        assert!(filter.announcers.len() <= SOURCES);
    }
}
