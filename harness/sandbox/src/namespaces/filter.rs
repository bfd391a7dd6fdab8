//! The system calls that programs in a sandbox are refused.

use std::collections::BTreeMap;

use patchbed_guest::plan::SetupStep;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, sock_filter,
};

use crate::spec::Init;

/// Refused everywhere: the kernel's modules and other kernels, its clock, its keys, and the interfaces where most of
/// the ways out of user namespaces were found.
const ALWAYS: &[(&str, i64)] = &[
    ("kexec_load", libc::SYS_kexec_load),
    ("kexec_file_load", libc::SYS_kexec_file_load),
    ("init_module", libc::SYS_init_module),
    ("finit_module", libc::SYS_finit_module),
    ("delete_module", libc::SYS_delete_module),
    ("bpf", libc::SYS_bpf),
    ("perf_event_open", libc::SYS_perf_event_open),
    ("add_key", libc::SYS_add_key),
    ("request_key", libc::SYS_request_key),
    ("keyctl", libc::SYS_keyctl),
    ("userfaultfd", libc::SYS_userfaultfd),
    ("open_by_handle_at", libc::SYS_open_by_handle_at),
    ("io_uring_setup", libc::SYS_io_uring_setup),
    ("io_uring_enter", libc::SYS_io_uring_enter),
    ("io_uring_register", libc::SYS_io_uring_register),
    ("settimeofday", libc::SYS_settimeofday),
    ("clock_settime", libc::SYS_clock_settime),
    ("adjtimex", libc::SYS_adjtimex),
    ("clock_adjtime", libc::SYS_clock_adjtime),
    ("reboot", libc::SYS_reboot),
    ("swapon", libc::SYS_swapon),
    ("swapoff", libc::SYS_swapoff),
    ("acct", libc::SYS_acct),
    ("quotactl", libc::SYS_quotactl),
    ("syslog", libc::SYS_syslog),
    ("iopl", libc::SYS_iopl),
    ("ioperm", libc::SYS_ioperm),
];

/// Refused where the guest is process 1; systemd needs them.
const MOUNTING: &[(&str, i64)] = &[
    ("mount", libc::SYS_mount),
    ("umount2", libc::SYS_umount2),
    ("pivot_root", libc::SYS_pivot_root),
    ("setns", libc::SYS_setns),
    ("unshare", libc::SYS_unshare),
    ("open_tree", libc::SYS_open_tree),
    ("move_mount", libc::SYS_move_mount),
    ("fsopen", libc::SYS_fsopen),
    ("fsconfig", libc::SYS_fsconfig),
    ("fsmount", libc::SYS_fsmount),
    ("fspick", libc::SYS_fspick),
    ("mount_setattr", libc::SYS_mount_setattr),
];

/// The step that installs the filter.
pub(super) fn step(init: Init) -> SetupStep {
    let mounting = match init {
        Init::Guest => MOUNTING,
        Init::Systemd => &[],
    };
    let mut refused: Vec<String> = ALWAYS.iter().chain(mounting).map(|(name, _)| (*name).to_owned()).collect();
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        ALWAYS.iter().chain(mounting).map(|(_, number)| (*number, Vec::new())).collect();
    // Families that no service of a sandbox needs, among them those that reach the machine's own host (vsock) or have
    // been ways into the kernel: all but Unix, IPv4, IPv6, netlink and packet sockets.
    rules.insert(
        libc::SYS_socket,
        vec![
            rule(0, &SeccompCmpOp::Ge, 18),
            and(&[(SeccompCmpOp::Ge, 3), (SeccompCmpOp::Le, 9)]),
            and(&[(SeccompCmpOp::Ge, 11), (SeccompCmpOp::Le, 15)]),
        ],
    );
    refused.push("socket(other families)".into());
    if init == Init::Guest {
        let user = libc::CLONE_NEWUSER as u64;
        rules.insert(libc::SYS_clone, vec![rule(0, &SeccompCmpOp::MaskedEq(user), user)]);
        refused.push("clone(user namespace)".into());
    }
    refused.push("other architectures".into());
    let filter = SeccompFilter::new(
        rules,
        SeccompAction::Allow,
        SeccompAction::Errno(libc::EPERM.unsigned_abs()),
        TargetArch::x86_64,
    )
    .expect("the rules are constant and each has a condition");
    let program: BpfProgram = filter.try_into().expect("the filter is far below the kernel's limit");
    let prefix = prefix(init);
    SetupStep::Filter { refused, program: prefix.iter().chain(&program).map(number).collect() }
}

fn rule(argument: u8, operator: &SeccompCmpOp, value: u64) -> SeccompRule {
    SeccompRule::new(vec![condition(argument, operator, value)]).expect("one condition")
}

fn and(conditions: &[(SeccompCmpOp, u64)]) -> SeccompRule {
    let conditions = conditions.iter().map(|(operator, value)| condition(0, operator, *value)).collect();
    SeccompRule::new(conditions).expect("two conditions")
}

fn condition(argument: u8, operator: &SeccompCmpOp, value: u64) -> SeccompCondition {
    // Both arguments are 32 bits wide for the kernel: `int` and flags of which only the lower half counts.
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator.clone(), value)
        .expect("the argument's number is below 6")
}

/// What the crate's filters do not look at: calls by another architecture's table (i386, x32) do not exist, and
/// neither does `clone3`, whose flags a filter cannot read; the C library then uses `clone`.
fn prefix(init: Init) -> Vec<sock_filter> {
    const LOAD: u16 = 0x20;
    const IF_EQUAL: u16 = 0x15;
    const IF_AT_LEAST: u16 = 0x35;
    const RETURN: u16 = 0x06;
    const X86_64: u32 = 0xc000_003e;
    const X32_BIT: u32 = 0x4000_0000;
    let no_such_call = 0x0005_0000 | libc::ENOSYS.unsigned_abs();
    let line = |code, k, jt, jf| sock_filter { code, jt, jf, k };
    let mut lines = vec![
        line(LOAD, 4, 0, 0),
        line(IF_EQUAL, X86_64, 1, 0),
        line(RETURN, no_such_call, 0, 0),
        line(LOAD, 0, 0, 0),
        line(IF_AT_LEAST, X32_BIT, 0, 1),
        line(RETURN, no_such_call, 0, 0),
    ];
    if init == Init::Guest {
        let clone3 = u32::try_from(libc::SYS_clone3).expect("call numbers are small");
        lines.push(line(IF_EQUAL, clone3, 0, 1));
        lines.push(line(RETURN, no_such_call, 0, 0));
    }
    lines
}

/// An instruction as the kernel has it in memory.
fn number(line: &sock_filter) -> u64 {
    let code = line.code.to_le_bytes();
    let k = line.k.to_le_bytes();
    u64::from_le_bytes([code[0], code[1], line.jt, line.jf, k[0], k[1], k[2], k[3]])
}
