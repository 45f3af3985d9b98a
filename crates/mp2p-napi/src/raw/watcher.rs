//! Readability of file descriptors, reported by the event loop that Node runs on this thread.
//!
//! Node exports libuv's functions to addons, and keeps them stable within libuv 1.

use napi::bindgen_prelude::{Function, JsValue};
use napi::{Env, Error, Result, Status, sys};
use std::ffi::{c_int, c_void};
use std::os::fd::RawFd;
use std::ptr::{NonNull, null, null_mut};
use std::rc::Rc;

const UV_IDLE: c_int = 6;
const UV_POLL: c_int = 8;
const UV_READABLE: c_int = 1;

#[repr(C)]
struct UvHandle([u8; 0]);

type PollCallback = extern "C" fn(*mut UvHandle, c_int, c_int);
type IdleCallback = extern "C" fn(*mut UvHandle);
type CloseCallback = extern "C" fn(*mut UvHandle);

// Signatures: libuv 1.x, uv.h.
unsafe extern "C" {
    fn uv_handle_size(kind: c_int) -> usize;
    fn uv_handle_get_type(handle: *const UvHandle) -> c_int;
    fn uv_handle_set_data(handle: *mut UvHandle, data: *mut c_void);
    fn uv_handle_get_data(handle: *const UvHandle) -> *mut c_void;
    fn uv_poll_init(uv_loop: *mut sys::uv_loop_s, handle: *mut UvHandle, fd: c_int) -> c_int;
    fn uv_poll_start(handle: *mut UvHandle, events: c_int, call: PollCallback) -> c_int;
    fn uv_poll_stop(handle: *mut UvHandle) -> c_int;
    fn uv_idle_init(uv_loop: *mut sys::uv_loop_s, handle: *mut UvHandle) -> c_int;
    fn uv_idle_start(handle: *mut UvHandle, call: IdleCallback) -> c_int;
    fn uv_idle_stop(handle: *mut UvHandle) -> c_int;
    fn uv_unref(handle: *mut UvHandle);
    fn uv_close(handle: *mut UvHandle, call: CloseCallback);
}

/// Whose descriptors are watched.
pub trait Watched {
    /// A descriptor is readable; true where JavaScript is to be called.
    fn read(&self) -> bool;
    /// Whether the event loop is to go on turning instead of sleeping until something comes.
    fn waits_awake(&self) -> bool;
}

/// Watches descriptors until dropped; does not keep the process alive. Not `Send`: it belongs to
/// the thread of its event loop.
pub struct Watcher {
    handles: Vec<NonNull<UvHandle>>,
    /// While it runs, the loop does not sleep.
    idle: NonNull<UvHandle>,
    /// Pointed at by the handles' data.
    target: Box<Target>,
    running: bool,
}

struct Target {
    env: sys::napi_env,
    callback: sys::napi_ref,
    watched: Rc<dyn Watched>,
}

impl Watcher {
    /// Watches nothing until `start`. The descriptors stay open at least as long as the watcher.
    pub fn new(
        env: &Env,
        descriptors: impl Iterator<Item = RawFd>,
        watched: Rc<dyn Watched>,
        callback: &Function<(), ()>,
    ) -> Result<Self> {
        let mut reference = null_mut();
        // SAFETY: both handles are those of the running call; the reference is freed in `drop`.
        let status = unsafe {
            sys::napi_create_reference(env.raw(), callback.value().value, 1, &raw mut reference)
        };
        if status != sys::Status::napi_ok {
            return Err(Error::from_status(Status::from(status)));
        }
        let target = Box::new(Target { env: env.raw(), callback: reference, watched });
        let uv_loop = env.get_uv_event_loop()?;
        // SAFETY: the memory is that of an idle handle, and the loop runs on this thread.
        let idle = made(UV_IDLE, &target, |handle| unsafe { uv_idle_init(uv_loop, handle) })?;
        let mut watcher = Self { handles: Vec::new(), idle, target, running: false };
        for descriptor in descriptors {
            watcher.add(env, descriptor)?;
        }
        Ok(watcher)
    }

    /// Watches one more descriptor, which stays open as long as the others.
    pub fn add(&mut self, env: &Env, descriptor: RawFd) -> Result<()> {
        let uv_loop = env.get_uv_event_loop()?;
        // SAFETY: the memory is that of a poll handle, and the loop runs on this thread.
        let poll = |handle| unsafe { uv_poll_init(uv_loop, handle, descriptor) };
        self.handles.push(made(UV_POLL, &self.target, poll)?);
        if self.running {
            self.start();
        }
        Ok(())
    }

    pub fn start(&mut self) {
        self.running = true;
        for handle in &self.handles {
            // SAFETY: initialized by `add`, not closed before `drop`.
            unsafe { uv_poll_start(handle.as_ptr(), UV_READABLE, readable) };
        }
    }

    pub fn stop(&mut self) {
        self.running = false;
        // SAFETY: initialized by `new`, not closed before `drop`.
        unsafe { uv_idle_stop(self.idle.as_ptr()) };
        for handle in &self.handles {
            // SAFETY: as in `start`.
            unsafe { uv_poll_stop(handle.as_ptr()) };
        }
    }

    /// Keeps the loop turning for as long as the watched one waits awake.
    pub fn stay_awake(&self) {
        // SAFETY: initialized by `new`, not closed before `drop`.
        unsafe { uv_idle_start(self.idle.as_ptr(), turned) };
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        for handle in self.handles.iter().chain([&self.idle]) {
            // SAFETY: initialized, not closed yet; `freed` frees its memory when libuv is done.
            unsafe { uv_close(handle.as_ptr(), freed) };
        }
        // SAFETY: made by `new` in this environment, which still stands: a socket is closed on
        // its own thread, at the latest by the environment's cleanup hook.
        unsafe { sys::napi_delete_reference(self.target.env, self.target.callback) };
    }
}

/// A handle that does not keep the process alive, with `target` as its data.
fn made(
    kind: c_int,
    target: &Target,
    init: impl FnOnce(*mut UvHandle) -> c_int,
) -> Result<NonNull<UvHandle>> {
    // SAFETY: the memory is as large as libuv says, aligned for anything, and lives until `freed`
    // after `uv_close`; the target outlives the handle's last callback, as the watcher closes its
    // handles first.
    unsafe {
        let words = uv_handle_size(kind).div_ceil(size_of::<u64>());
        let handle = Box::leak(vec![0u64; words].into_boxed_slice()).as_mut_ptr().cast();
        if init(handle) != 0 {
            release(handle, kind);
            return Err(Error::from_reason("the event loop cannot watch the socket"));
        }
        uv_handle_set_data(handle, (&raw const *target).cast_mut().cast());
        uv_unref(handle);
        Ok(NonNull::new_unchecked(handle))
    }
}

/// Frees the memory that `made` made.
///
/// # Safety
///
/// The handle is of this kind, and libuv does not know it, or not any more.
unsafe fn release(handle: *mut UvHandle, kind: c_int) {
    // SAFETY: `made` leaked exactly this box.
    unsafe {
        let words = uv_handle_size(kind).div_ceil(size_of::<u64>());
        drop(Box::from_raw(std::ptr::slice_from_raw_parts_mut(handle.cast::<u64>(), words)));
    }
}

extern "C" fn freed(handle: *mut UvHandle) {
    // SAFETY: libuv calls this when it is done with the handle, which still tells its kind.
    unsafe { release(handle, uv_handle_get_type(handle)) };
}

extern "C" fn turned(handle: *mut UvHandle) {
    // SAFETY: the data is the watcher's target, which lives: handles are closed before it goes.
    unsafe {
        let target = &*uv_handle_get_data(handle).cast::<Target>();
        if !target.watched.waits_awake() {
            uv_idle_stop(handle);
        }
    }
}

extern "C" fn readable(handle: *mut UvHandle, status: c_int, _events: c_int) {
    if status < 0 {
        // libuv stops a handle whose descriptor has an error; reading takes the error away.
        // SAFETY: initialized by `add`, not closed: closed handles are not called.
        unsafe { uv_poll_start(handle, UV_READABLE, readable) };
    }
    // SAFETY: the data is the watcher's target, which lives: handles are closed before it goes.
    let (env, callback, watched) = unsafe {
        let target = &*uv_handle_get_data(handle).cast::<Target>();
        (target.env, target.callback, target.watched.clone())
    };
    if watched.read() {
        // SAFETY: on the environment's thread, at the bottom of its stack; JavaScript may drop
        // the watcher from here on, and nothing of it is used afterwards.
        unsafe { call(env, callback) };
    }
}

/// Calls a JavaScript function as the event loop does: promises and ticks run afterwards, and an
/// exception is an uncaught one.
///
/// # Safety
///
/// `env` lives and runs on this thread; `callback` is a strong reference to a function.
unsafe fn call(env: sys::napi_env, callback: sys::napi_ref) {
    let (mut scope, mut function, mut this) = (null_mut(), null_mut(), null_mut());
    let (mut result, mut error) = (null_mut(), null_mut());
    // SAFETY: by the caller's promise; every value lives within the scope.
    unsafe {
        sys::napi_open_handle_scope(env, &raw mut scope);
        sys::napi_get_reference_value(env, callback, &raw mut function);
        sys::napi_get_global(env, &raw mut this);
        let called =
            sys::napi_make_callback(env, null_mut(), this, function, 0, null(), &raw mut result);
        if called == sys::Status::napi_pending_exception {
            sys::napi_get_and_clear_last_exception(env, &raw mut error);
            sys::napi_fatal_exception(env, error);
        }
        sys::napi_close_handle_scope(env, scope);
    }
}
