//! `DatagramSocket` of src/backend/port.ts, less what src/backend/native/socket.ts adds.

use crate::error::{
    Result, argument_error, elements, napi_error, size_error, socket_error, system_error, whole,
};
#[cfg(unix)]
use crate::open_sockets::Reading;
use crate::open_sockets::{OpenSocket, Slot, forget, remember};
#[cfg(unix)]
use crate::raw::Watcher;
use crate::raw::expose;
use mp2p_crypto::packet::{Cid, PacketKeys};
use mp2p_net::{
    Addressee, GroupOptions, Limits, Next, Plan, Totals, UdpEndpoint, count_to_f64, now_ms,
};
use napi::bindgen_prelude::{Array, ArrayBuffer, Function};
use napi::threadsafe_function::ThreadsafeFunctionCallMode;
use napi::{Env, Error};
use napi_derive::napi;
use std::cell::RefMut;
use std::rc::Rc;

/// Answers of `next`, known to src/backend/native/addon.ts.
const NEXT_NOTHING: u32 = 0;
const NEXT_BATCH: u32 = 1;
const NEXT_WRITABLE: u32 = 2;
const NEXT_FAILED: u32 = 3;

#[napi(object, object_from_js = false)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub struct NativeCapabilities {
    pub gso_segments: u32,
    pub gro: bool,
    pub aes: bool,
    pub packet_info: bool,
    pub ecn: bool,
    pub multicast: bool,
    pub source_specific: bool,
    pub multicast_all: bool,
}

/// Dropped sealed packets of one source, as `GroupDrops` in src/backend/counters.ts.
#[napi(object, object_from_js = false)]
pub struct NativeGroupDrops {
    pub source: String,
    pub interface: String,
    pub unknown: f64,
    pub forged: f64,
    pub replayed: f64,
}

#[napi]
pub fn capabilities() -> NativeCapabilities {
    let found = mp2p_net::capabilities();
    NativeCapabilities {
        gso_segments: u32::try_from(found.segments).unwrap_or(1),
        gro: found.gro,
        aes: mp2p_crypto::packet::has_hardware_aes(),
        packet_info: found.packet_info,
        ecn: found.ecn,
        multicast: found.groups.multicast,
        source_specific: found.groups.source_specific,
        multicast_all: found.groups.all,
    }
}

#[napi]
pub fn now() -> f64 {
    now_ms()
}

#[napi]
pub struct NativeSocket {
    id: u64,
    slot: Rc<Slot>,
    failure: String,
}

#[napi]
impl NativeSocket {
    #[napi(factory)]
    pub fn open(
        env: &Env,
        bind: Array,
        receive_bytes: Option<f64>,
        send_bytes: Option<f64>,
        group_port: Option<f64>,
        hop_limit: Option<f64>,
    ) -> Result<Self> {
        let bind: Vec<String> = elements(env, "bind", &bind)?;
        let receive_bytes = buffer_bytes(env, "receiveBufferBytes", receive_bytes)?;
        let send_bytes = buffer_bytes(env, "sendBufferBytes", send_bytes)?;
        let groups = group_options(env, group_port, hop_limit, receive_bytes)?;
        let mut endpoint = UdpEndpoint::open(&bind, receive_bytes, send_bytes, cfg!(unix))
            .map_err(|error| socket_error(env, &error))?;
        if let Some(groups) = groups {
            endpoint.allow_groups(groups);
        }
        let (id, slot) = remember(endpoint);
        Ok(Self { id, slot, failure: String::new() })
    }

    fn open_socket(&self) -> Result<RefMut<'_, OpenSocket>> {
        RefMut::filter_map(self.slot.borrow_mut(), Option::as_mut)
            .map_err(|_| Error::new("MP2P_CLOSED", "the socket is closed".to_owned()))
    }

    fn endpoint(&self) -> Result<RefMut<'_, UdpEndpoint>> {
        Ok(RefMut::map(self.open_socket()?, |open| &mut open.endpoint))
    }

    /// Starts receiving; `wake` is called when `next` has something, and does not keep the
    /// process alive.
    #[napi]
    pub fn start(&self, env: &Env, wake: Function<(), ()>) -> Result<()> {
        self.watch(env, &wake)?;
        let wake = wake
            .build_threadsafe_function()
            .weak::<true>()
            .callee_handled::<false>()
            .build()
            .map_err(|error| napi_error(&error))?;
        let call = move || {
            // Refused only while the environment ends, when nobody listens any more.
            wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
        };
        self.endpoint()?.start(call).map_err(|error| system_error(&error))
    }

    /// Lets the event loop read while the load is light.
    #[cfg(unix)]
    fn watch(&self, env: &Env, wake: &Function<(), ()>) -> Result<()> {
        let watched = Rc::new(Reading(Rc::downgrade(&self.slot)));
        let mut open = self.open_socket()?;
        let groups = open.endpoint.group_sockets();
        let sockets = open.endpoint.binds().iter().chain(groups.iter().map(|socket| &**socket));
        let descriptors = sockets.map(mp2p_net::Bind::descriptor);
        let mut watcher =
            Watcher::new(env, descriptors, watched, wake).map_err(|error| napi_error(&error))?;
        watcher.start();
        open.watcher = Some(watcher);
        Ok(())
    }

    /// Elsewhere the receive thread does all reading.
    #[cfg(not(unix))]
    fn watch(&self, _env: &Env, _wake: &Function<(), ()>) -> Result<()> {
        self.endpoint().map(drop)
    }

    /// The memory of slabs, row tables and the control block; see `Layout` in mp2p-net.
    #[napi]
    pub fn region<'env>(&self, env: &'env Env) -> Result<ArrayBuffer<'env>> {
        expose(env, self.endpoint()?.region())
    }

    #[napi]
    pub fn addresses(&self) -> Result<Vec<String>> {
        Ok(self.endpoint()?.binds().iter().map(|bind| bind.local.to_string()).collect())
    }

    /// Granted receive and send buffers, the smallest over the binds.
    #[napi]
    pub fn buffers(&self) -> Result<Vec<f64>> {
        let endpoint = self.endpoint()?;
        let least = |size: fn(&mp2p_net::Bind) -> usize| {
            count_to_f64(endpoint.binds().iter().map(size).min().unwrap_or(0) as u64)
        };
        Ok(vec![least(|bind| bind.receive_buffer_bytes), least(|bind| bind.send_buffer_bytes)])
    }

    #[napi]
    pub fn gso_segments(&self) -> Result<u32> {
        Ok(u32::try_from(self.endpoint()?.segments()).unwrap_or(1))
    }

    /// Takes back the batch before and says what is next; a batch is named in the control block.
    #[napi]
    pub fn next(&mut self) -> u32 {
        loop {
            let Ok(mut open) = self.open_socket() else { return NEXT_NOTHING };
            let next = open.endpoint.advance();
            match next {
                Next::Nothing => return NEXT_NOTHING,
                Next::Batch => return NEXT_BATCH,
                Next::Writable => return NEXT_WRITABLE,
                Next::Quiet =>
                {
                    #[cfg(unix)]
                    if let Some(watcher) = &mut open.watcher {
                        watcher.start();
                    }
                }
                Next::Failed(why) => {
                    drop(open);
                    self.failure = why;
                    return NEXT_FAILED;
                }
            }
        }
    }

    #[napi]
    pub fn failure(&self) -> &str {
        &self.failure
    }

    #[napi]
    pub fn strangers(&self) -> Result<Vec<String>> {
        Ok(self.endpoint()?.strangers())
    }

    #[napi]
    pub fn join(&self, env: &Env, group: String, source: Option<String>) -> Result<u32> {
        let mut open = self.open_socket()?;
        let OpenSocket { endpoint, .. } = &mut *open;
        #[cfg(unix)]
        let before = endpoint.group_sockets().len();
        let joined = endpoint.join(&group, source.as_deref());
        let number = joined.map_err(|error| socket_error(env, &error))?;
        #[cfg(unix)]
        for socket in &endpoint.group_sockets()[before..] {
            if let Some(watcher) = &mut open.watcher {
                watcher.add(env, socket.descriptor()).map_err(|error| napi_error(&error))?;
            }
        }
        Ok(number.into())
    }

    #[napi]
    pub fn leave(&self, env: &Env, membership: f64) -> Result<()> {
        if let Ok(number) = u16::try_from(whole(env, "membership", membership, u32::MAX)?) {
            self.endpoint()?.leave(number);
        }
        Ok(())
    }

    #[napi]
    pub fn group_drops(&self) -> Result<Vec<NativeGroupDrops>> {
        let reports = self.endpoint()?.group_drops().into_iter();
        let reports = reports.map(|report| NativeGroupDrops {
            source: report.source,
            interface: report.interface,
            unknown: count_to_f64(report.drops.unknown),
            forged: count_to_f64(report.drops.forged),
            replayed: count_to_f64(report.drops.replayed),
        });
        Ok(reports.collect())
    }

    #[napi]
    pub fn add_path(&self, env: &Env, remote: String) -> Result<u32> {
        self.endpoint()?.add_path(&remote).map_err(|error| socket_error(env, &error))
    }

    #[napi]
    pub fn remove_path(&self, env: &Env, path: f64) -> Result<()> {
        let path = whole(env, "path", path, u32::MAX)?;
        self.endpoint()?.remove_path(path);
        Ok(())
    }

    #[napi]
    pub fn send_plain(&self, env: &Env, remote: String, datagram: &[u8]) -> Result<bool> {
        let sent = self.endpoint()?.send_plain(&remote, datagram);
        sent.map_err(|error| socket_error(env, &error))
    }

    #[napi]
    pub fn install_send(
        &self,
        env: &Env,
        slot: f64,
        suite: f64,
        key: &[u8],
        iv: &[u8],
        lane: f64,
        cid: &[u8],
    ) -> Result<()> {
        let slot = slot_number(env, slot)?;
        let suite = whole(env, "suite", suite, u32::MAX)?;
        let lane = whole(env, "lane", lane, u32::MAX)?;
        let keys = PacketKeys::new(suite, key, iv, lane, cid);
        let keys = keys.map_err(|error| size_error(env, &error))?;
        self.endpoint()?.install_send(slot, keys);
        Ok(())
    }

    #[napi]
    pub fn install_receive(
        &self,
        env: &Env,
        slot: f64,
        suite: f64,
        key: &[u8],
        iv: &[u8],
        lane: f64,
        cid: &[u8],
        of_many: Option<bool>,
    ) -> Result<()> {
        let slot = slot_number(env, slot)?;
        let suite = whole(env, "suite", suite, u32::MAX)?;
        let lane = whole(env, "lane", lane, u32::MAX)?;
        let keys = PacketKeys::new(suite, key, iv, lane, cid);
        let keys = keys.map_err(|error| size_error(env, &error))?;
        let installed = self.endpoint()?.install_receive(slot, keys, of_many.unwrap_or(false));
        installed.map_err(|error| socket_error(env, &error))
    }

    #[napi]
    pub fn remove_send(&self, env: &Env, slot: f64) -> Result<()> {
        let slot = slot_number(env, slot)?;
        self.endpoint()?.remove_send(slot);
        Ok(())
    }

    #[napi]
    pub fn remove_receive(&self, env: &Env, slot: f64) -> Result<()> {
        let slot = slot_number(env, slot)?;
        self.endpoint()?.remove_receive(slot);
        Ok(())
    }

    /// Sends a burst; the result is in the control block.
    #[napi]
    pub fn send_sealed(
        &self,
        env: &Env,
        slot: f64,
        path: f64,
        spans: &[f64],
        span_numbers: f64,
        sources: Array,
        packet_bytes: f64,
        skip: f64,
    ) -> Result<()> {
        let slot = slot_number(env, slot)?;
        let path = whole(env, "path", path, u32::MAX)?;
        let span_numbers = whole(env, "numbers of the spans", span_numbers, u32::MAX)?;
        let packet_bytes = whole(env, "packetBytes", packet_bytes, u16::MAX.into())? as usize;
        let skip = whole(env, "skip", skip, u32::MAX)?.into();
        let Some(spans) = spans.get(..span_numbers as usize) else {
            return Err(argument_error(env, "spanCount is beyond the spans"));
        };
        let sources: Vec<&[u8]> = elements(env, "sources", &sources)?;
        let plan = Plan { spans, sources: &sources, packet_bytes, skip };
        let sent = self.endpoint()?.send_sealed(slot, path, &plan);
        sent.map_err(|error| socket_error(env, &error))?;
        Ok(())
    }

    /// Sends what a full socket left over; true where nothing is left.
    #[napi]
    pub fn flush(&self) -> Result<bool> {
        Ok(self.endpoint()?.flush())
    }

    /// `keys`: mac1 key and cookie key of each addressee, 64 bytes each, one after the other.
    #[napi]
    pub fn set_filter(
        &self,
        env: &Env,
        keys: &[u8],
        inits_per_second: f64,
        inits_per_source_per_second: f64,
        inits_per_source_burst: f64,
        announcements_per_second: f64,
    ) -> Result<()> {
        let (addressees, rest) = keys.as_chunks::<64>();
        if !rest.is_empty() {
            return Err(argument_error(env, "addressee keys must be 32 bytes each"));
        }
        let addressees = addressees.iter().map(|keys| {
            let (mut mac1_key, mut cookie_key) = ([0; 32], [0; 32]);
            mac1_key.copy_from_slice(&keys[..32]);
            cookie_key.copy_from_slice(&keys[32..]);
            Addressee { mac1_key, cookie_key }
        });
        let limits = Limits {
            inits_per_second,
            inits_per_source_per_second,
            inits_per_source_burst,
            announcements_per_second,
        };
        self.endpoint()?.set_filter(addressees.collect(), limits);
        Ok(())
    }

    #[napi]
    pub fn expect(&self, env: &Env, cid: &[u8]) -> Result<()> {
        let cid = cid_bytes(env, cid)?;
        self.endpoint()?.expect(cid);
        Ok(())
    }

    #[napi]
    pub fn unexpect(&self, env: &Env, cid: &[u8]) -> Result<()> {
        let cid = cid_bytes(env, cid)?;
        self.endpoint()?.unexpect(&cid);
        Ok(())
    }

    /// In the order of `COUNTERS` in src/backend/native/addon.ts.
    #[napi]
    pub fn counters(&self) -> Result<Vec<f64>> {
        Ok(numbers(&self.endpoint()?.totals()))
    }

    /// For tests: every Nth send call fails with `errno`; 0 ends it.
    #[napi]
    pub fn inject_send_fault(&self, errno: i32, every_nth: u32) -> Result<()> {
        self.endpoint()?.inject_send_fault(errno, every_nth);
        Ok(())
    }

    /// Joins the receive thread; after it nothing calls `wake`.
    #[napi]
    pub fn close(&self) {
        forget(self.id);
        drop(self.slot.take());
    }
}

impl Drop for NativeSocket {
    fn drop(&mut self) {
        self.close();
    }
}

fn buffer_bytes(env: &Env, name: &str, bytes: Option<f64>) -> Result<Option<usize>> {
    bytes.map(|bytes| Ok(whole(env, name, bytes, u32::MAX)? as usize)).transpose()
}

fn group_options(
    env: &Env,
    port: Option<f64>,
    hop_limit: Option<f64>,
    receive_bytes: Option<usize>,
) -> Result<Option<GroupOptions>> {
    let Some(port) = port else { return Ok(None) };
    let port = u16::try_from(whole(env, "port", port, u16::MAX.into())?).ok();
    let hop_limit = whole(env, "hopLimit", hop_limit.unwrap_or(0.0), u8::MAX.into())?;
    let hop_limit = u8::try_from(hop_limit).ok().filter(|&hops| hops > 0);
    let (Some(port), Some(hop_limit)) = (port.filter(|&port| port > 0), hop_limit) else {
        return Err(argument_error(env, "multicast takes a port and a hop limit of 1 to 255"));
    };
    Ok(Some(GroupOptions { port, hop_limit, receive_bytes }))
}

fn slot_number(env: &Env, slot: f64) -> Result<u16> {
    match u16::try_from(whole(env, "slot", slot, u32::MAX)?) {
        Ok(slot) if slot > 0 => Ok(slot),
        _ => Err(argument_error(env, "a slot is a number from 1 to 65,535")),
    }
}

fn cid_bytes(env: &Env, cid: &[u8]) -> Result<Cid> {
    cid.try_into().map_err(|_| argument_error(env, "cid must be 8 bytes"))
}

fn numbers(totals: &Totals) -> Vec<f64> {
    [
        totals.packets_sent,
        totals.bytes_sent,
        totals.packets_received,
        totals.bytes_received,
        totals.dropped_malformed,
        totals.dropped_unknown,
        totals.dropped_forged,
        totals.dropped_replayed,
        totals.dropped_strangers,
        totals.dropped_limited,
        totals.dropped_queue,
        totals.cookies_sent,
        totals.dropped_group,
        totals.dropped_kernel,
        totals.send_calls,
        totals.receive_calls,
    ]
    .map(count_to_f64)
    .into()
}
