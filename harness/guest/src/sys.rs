//! The system calls that no crate offers in a safe form. The only file of this crate with `unsafe`.
#![expect(unsafe_code, reason = "raw system calls; each block says why it is sound")]

use std::ffi::CStr;
use std::io;
use std::mem::size_of;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

use libc::{c_char, c_int, c_long, c_ulong, c_void};

/// Turns the result of `libc::syscall` into a `Result`.
fn check(result: c_long) -> io::Result<c_long> {
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(result)
}

/// The two sides of a fork.
pub(crate) enum Fork {
    /// The new process.
    Child,
    /// The old process, with the new one's id and descriptor.
    Parent(i32, OwnedFd),
}

#[repr(C)]
#[derive(Default)]
struct CloneArguments {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
}

/// Forks into new namespaces. Only for processes with one thread: nothing of the C library is told.
pub(crate) fn clone_into(namespaces: u64) -> io::Result<Fork> {
    let mut pidfd: c_int = -1;
    let arguments = CloneArguments {
        flags: namespaces | u64::from(libc::CLONE_PIDFD.cast_unsigned()),
        pidfd: (&raw mut pidfd) as u64,
        exit_signal: u64::from(libc::SIGCHLD.cast_unsigned()),
        ..CloneArguments::default()
    };
    // SAFETY: the arguments live through the call, `pidfd` is a valid place, and without CLONE_VM the child has its own
    // memory, a copy of all of the only thread.
    let pid = check(unsafe { libc::syscall(libc::SYS_clone3, &raw const arguments, size_of::<CloneArguments>()) })?;
    if pid == 0 {
        return Ok(Fork::Child);
    }
    // SAFETY: the kernel has just made this descriptor for us.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
    let pid = i32::try_from(pid).map_err(io::Error::other)?;
    Ok(Fork::Parent(pid, pidfd))
}

/// Forks through the C library, whose locks are then usable in the child. The child has only the calling thread and
/// must not take a lock of ours. Gives 0 in the child.
pub(crate) fn fork() -> io::Result<i32> {
    // SAFETY: callers keep to the rule above.
    let pid = unsafe { libc::fork() };
    if pid < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(pid)
}

/// Ends this process at once, without destructors: the end of every forked child that does not execute a program.
pub(crate) fn exit_now(status: i32) -> ! {
    // SAFETY: ends the process.
    unsafe { libc::_exit(status) }
}

#[repr(C)]
struct MountAttributes {
    set: u64,
    clear: u64,
    propagation: u64,
    user_namespace: u64,
}

/// `MOUNT_ATTR_RDONLY`.
pub(crate) const READ_ONLY: u64 = 0x1;
/// `MOUNT_ATTR_NODEV`.
pub(crate) const NO_DEVICES: u64 = 0x4;
/// `MOUNT_ATTR_IDMAP`.
const SHIFT_IDS: u64 = 0x0010_0000;

/// Sets attributes of a mount and of those below it; with a user namespace also shifts its ids.
pub(crate) fn set_mount_attributes(
    mount: BorrowedFd<'_>,
    set: u64,
    user_namespace: Option<BorrowedFd<'_>>,
    recursive: bool,
) -> io::Result<()> {
    let attributes = MountAttributes {
        set: set | if user_namespace.is_some() { SHIFT_IDS } else { 0 },
        clear: 0,
        propagation: 0,
        user_namespace: user_namespace.map_or(0, |fd| u64::from(fd.as_raw_fd().cast_unsigned())),
    };
    let flags = libc::AT_EMPTY_PATH | if recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: path and attributes live through the call.
    check(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const attributes,
            size_of::<MountAttributes>(),
        )
    })?;
    Ok(())
}

/// Moves this process (of one thread) into a namespace.
pub(crate) fn enter_namespace(namespace: BorrowedFd<'_>, kind: c_int) -> io::Result<()> {
    // SAFETY: changes only the calling process's view.
    check(unsafe { libc::syscall(libc::SYS_setns, namespace.as_raw_fd(), kind) })?;
    Ok(())
}

/// Leaves namespaces for new ones.
pub(crate) fn unshare(flags: c_int) -> io::Result<()> {
    // SAFETY: none of our flags shares or splits memory or descriptors.
    check(unsafe { libc::syscall(libc::SYS_unshare, flags) })?;
    Ok(())
}

/// Installs a system call filter on all that this process will do and start.
pub(crate) fn install_filter(program: &[u64]) -> io::Result<()> {
    let length = libc::c_ushort::try_from(program.len()).map_err(io::Error::other)?;
    // The kernel's `sock_filter` is 8 bytes, as one number per instruction is.
    let filter = libc::sock_fprog { len: length, filter: program.as_ptr().cast::<libc::sock_filter>().cast_mut() };
    // SAFETY: `filter` points at `length` instructions that the kernel copies and checks.
    check(unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &raw const filter) })?;
    Ok(())
}

/// Brings the loopback interface up.
pub(crate) fn loopback_up(socket: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: all zero is a valid `ifreq`.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    request.ifr_name[0] = b'l'.cast_signed();
    request.ifr_name[1] = b'o'.cast_signed();
    // Both flags are among the lowest 16 bits.
    request.ifr_ifru.ifru_flags = i16::try_from(libc::IFF_UP | libc::IFF_RUNNING).unwrap_or(0);
    // SAFETY: `request` is a valid `ifreq` for this call.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) };
    check(c_long::from(result))?;
    Ok(())
}

/// Leaves the disposition of a signal to the kernel (`SIG_DFL`) or ignores it (`SIG_IGN`).
pub(crate) fn set_disposition(signal: c_int, handler: libc::sighandler_t) {
    // SAFETY: no handler of ours is installed or replaced; for known signals this cannot fail.
    unsafe { libc::signal(signal, handler) };
}

/// What a new program is given, laid out so that the child need not allocate.
pub(crate) struct Launch<'a> {
    /// Paths to try, in order.
    pub(crate) candidates: &'a [&'a CStr],
    /// Null-terminated argument and environment vectors.
    pub(crate) argv: &'a [*const c_char],
    /// See above.
    pub(crate) environment: &'a [*const c_char],
    /// Standard input, output and error; all above 2.
    pub(crate) streams: [RawFd; 3],
    /// Whether the standard input is to be the controlling terminal.
    pub(crate) terminal: bool,
    /// User and group.
    pub(crate) ids: (u32, u32),
    /// Supplementary groups.
    pub(crate) groups: &'a [u32],
    /// The working folder.
    pub(crate) directory: &'a CStr,
    /// Capabilities that the program and its children can never have, by number.
    pub(crate) dropped: &'a [u8],
    /// Whether it may not gain rights.
    pub(crate) no_new_privileges: bool,
}

/// Where a launch failed, in the child.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct LaunchError {
    /// The step: see [`LaunchError::call`].
    step: c_int,
    /// The error number.
    pub(crate) errno: c_int,
}

impl LaunchError {
    /// An error that was told by another process.
    pub(crate) fn new(step: c_int, errno: c_int) -> Self {
        Self { step, errno }
    }

    /// The step's number, to be told to another process.
    pub(crate) fn step(self) -> c_int {
        self.step
    }

    /// The call that failed.
    pub(crate) fn call(self) -> &'static str {
        match self.step {
            1 => "setsid",
            2 => "set the terminal",
            3 => "set the streams",
            4 => "drop capabilities",
            5 => "set the groups",
            6 => "set the group",
            7 => "set the user",
            8 => "enter the folder",
            9 => "forbid new privileges",
            10 => "execute",
            _ => "start a process",
        }
    }
}

struct Shared<'a> {
    launch: &'a Launch<'a>,
    error: LaunchError,
}

/// How much stack the child of [`launch`] has: its deepest call is `execve`.
const LAUNCH_STACK: usize = 32 << 10;

/// Starts a program: the child borrows our memory until it executes, so nothing is copied and nothing allocated.
pub(crate) fn launch(launch: &Launch<'_>) -> Result<i32, LaunchError> {
    let mut stack = vec![0_u128; LAUNCH_STACK / size_of::<u128>()];
    let mut shared = Shared { launch, error: LaunchError::default() };
    // SAFETY: one past the end of the stack, 16-byte aligned, as the x86-64 and arm64 calling conventions want it.
    let top = unsafe { stack.as_mut_ptr().add(stack.len()) };
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    // SAFETY: with CLONE_VFORK this thread sleeps until the child has executed or ended, so `shared` and `stack` outlive
    // its use of them; `in_child` makes only system calls.
    let pid = unsafe { libc::clone(in_child, top.cast::<c_void>(), flags, (&raw mut shared).cast::<c_void>()) };
    if pid < 0 {
        let errno = io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO);
        return Err(LaunchError { step: 0, errno });
    }
    // SAFETY: the child wrote through the pointer; read it as it is now.
    let error = unsafe { ptr::read_volatile(&raw const shared.error) };
    if error.errno != 0 {
        // SAFETY: reaps the failed child, which nobody else knows of.
        unsafe { libc::waitpid(pid, ptr::null_mut(), 0) };
        return Err(error);
    }
    Ok(pid)
}

extern "C" fn in_child(argument: *mut c_void) -> c_int {
    // SAFETY: `launch` passes a valid `Shared` and waits for us.
    let shared = unsafe { &mut *argument.cast::<Shared<'_>>() };
    // SAFETY: the child makes only system calls, on memory that `launch` keeps alive.
    let error = match unsafe { prepare(shared.launch) } {
        Ok(()) => execute(shared.launch),
        Err(error) => error,
    };
    // SAFETY: a valid place of ours; volatile because the parent reads it behind the compiler's back.
    unsafe { ptr::write_volatile(&raw mut shared.error, error) };
    exit_now(127)
}

/// Everything between the fork and the execution, in an order where each step still has the right to be made.
unsafe fn prepare(launch: &Launch<'_>) -> Result<(), LaunchError> {
    let step = |step: c_int, result: c_long| {
        check(result).map_err(|error| LaunchError { step, errno: error.raw_os_error().unwrap_or(libc::EIO) })
    };
    // SAFETY: plain system calls with numbers and with pointers into memory that outlives them.
    unsafe {
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut());
        for signal in [libc::SIGPIPE, libc::SIGCHLD] {
            libc::signal(signal, libc::SIG_DFL);
        }
        step(1, libc::syscall(libc::SYS_setsid))?;
        for (to, from) in (0..).zip(launch.streams) {
            step(3, c_long::from(libc::dup2(from, to)))?;
        }
        if launch.terminal {
            step(2, c_long::from(libc::ioctl(0, libc::TIOCSCTTY, 0)))?;
        }
        for capability in launch.dropped {
            let number = c_ulong::from(*capability);
            step(4, c_long::from(libc::prctl(libc::PR_CAPBSET_DROP, number, 0, 0, 0)))?;
        }
        let (user, group) = launch.ids;
        step(5, libc::syscall(libc::SYS_setgroups, launch.groups.len(), launch.groups.as_ptr()))?;
        step(6, libc::syscall(libc::SYS_setresgid, group, group, group))?;
        step(7, libc::syscall(libc::SYS_setresuid, user, user, user))?;
        step(8, c_long::from(libc::chdir(launch.directory.as_ptr())))?;
        if launch.no_new_privileges {
            step(9, c_long::from(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)))?;
        }
        // All our descriptors are close-on-exec; this is the second belt, and kernels before 5.11 go without.
        libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC);
    }
    Ok(())
}

/// Tries the candidates; returns only when none can be executed.
fn execute(launch: &Launch<'_>) -> LaunchError {
    let mut errno = libc::ENOENT;
    for candidate in launch.candidates {
        // SAFETY: null-terminated vectors of null-terminated strings.
        unsafe { libc::execve(candidate.as_ptr(), launch.argv.as_ptr(), launch.environment.as_ptr()) };
        let now = io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO);
        // As a shell does: a missing candidate is passed over, a forbidden one only remembered.
        match now {
            libc::ENOENT | libc::ENOTDIR => {}
            libc::EACCES => errno = now,
            _ => return LaunchError { step: 10, errno: now },
        }
    }
    LaunchError { step: 10, errno }
}

/// Closes a descriptor in a forked child that never returns to its owner.
pub(crate) fn close_in_child(descriptor: BorrowedFd<'_>) {
    // SAFETY: the child leaves by `exit_now` or `execve`, so the owner's drop never runs in it.
    unsafe { libc::close(descriptor.as_raw_fd()) };
}

/// Closes every descriptor from 3 on but these.
pub(crate) fn close_all_but(kept: &[RawFd]) {
    let mut kept = kept.to_vec();
    kept.sort_unstable();
    let mut first = 3;
    for descriptor in kept {
        close_between(first, descriptor - 1);
        first = descriptor + 1;
    }
    close_between(first, RawFd::MAX);
}

fn close_between(first: RawFd, last: RawFd) {
    if first <= last {
        // SAFETY: their owners are in frames that are never returned to: see `close_in_child`.
        unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
    }
}

/// A child that has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    /// Its id.
    pub(crate) pid: i32,
    /// How: exit status, or signal and whether it dumped core.
    pub(crate) end: crate::message::End,
}

/// Waits for any child to end, without reaping it. `None` when there is no child.
pub(crate) fn wait_any() -> io::Result<Option<Ended>> {
    loop {
        // SAFETY: all zero is a valid `siginfo_t`.
        let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
        let options = libc::WEXITED | libc::WNOWAIT;
        // SAFETY: `info` is a valid place.
        let result = unsafe { libc::waitid(libc::P_ALL, 0, &raw mut info, options) };
        if result < 0 {
            let error = io::Error::last_os_error();
            match error.raw_os_error() {
                Some(libc::EINTR) => continue,
                Some(libc::ECHILD) => return Ok(None),
                _ => return Err(error),
            }
        }
        // SAFETY: `waitid` has filled in the fields of a child's end.
        let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
        let end = match info.si_code {
            libc::CLD_EXITED => crate::message::End::Exited(status),
            code => crate::message::End::Killed { signal: status, core: code == libc::CLD_DUMPED },
        };
        return Ok(Some(Ended { pid, end }));
    }
}

/// Reaps a child that has ended.
pub(crate) fn reap(pid: i32) {
    // SAFETY: no memory is involved; a child reaped by somebody else is no error.
    unsafe { libc::waitpid(pid, ptr::null_mut(), libc::WNOHANG) };
}

/// Sends a signal to a process, or to a process group when negative.
pub(crate) fn kill(pid: i32, signal: c_int) -> io::Result<()> {
    // SAFETY: no memory is involved.
    check(c_long::from(unsafe { libc::kill(pid, signal) }))?;
    Ok(())
}

/// Enlarges a pipe, as far as the kernel lets us.
pub(crate) fn enlarge_pipe(pipe: BorrowedFd<'_>, bytes: c_int) {
    // SAFETY: no memory is involved; a refusal leaves the pipe as it was.
    unsafe { libc::fcntl(pipe.as_raw_fd(), libc::F_SETPIPE_SZ, bytes) };
}

/// Processor time of all children that were waited for, and of theirs, in milliseconds.
pub(crate) fn processor_of_children() -> u64 {
    // SAFETY: all zero is a valid `rusage`, and the place is ours.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_CHILDREN, &raw mut usage);
        usage
    };
    let milliseconds = |time: libc::timeval| time.tv_sec.unsigned_abs() * 1000 + time.tv_usec.unsigned_abs() / 1000;
    milliseconds(usage.ru_utime) + milliseconds(usage.ru_stime)
}

/// Takes capabilities out of what programs executed from here on can have.
pub(crate) fn drop_capabilities(numbers: &[u8]) {
    for number in numbers {
        // SAFETY: no memory is involved; a number that this kernel does not know is refused and not needed.
        unsafe { libc::prctl(libc::PR_CAPBSET_DROP, c_ulong::from(*number), 0, 0, 0) };
    }
}

/// Executes a program without arguments in this process; comes back only with the error number.
pub(crate) fn execute_program(program: &CStr, environment: &[&str]) -> c_int {
    let environment: Vec<_> = environment.iter().filter_map(|one| std::ffi::CString::new(*one).ok()).collect();
    let environment: Vec<*const c_char> = environment.iter().map(|one| one.as_ptr()).chain([ptr::null()]).collect();
    let arguments = [program.as_ptr(), ptr::null()];
    // SAFETY: null-terminated vectors of null-terminated strings that outlive the call.
    unsafe { libc::execve(program.as_ptr(), arguments.as_ptr(), environment.as_ptr()) };
    io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO)
}
