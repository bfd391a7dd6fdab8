//! Capabilities by name.

/// The kernel's names, by number, from `linux/capability.h`.
pub(crate) const NAMES: [&str; 41] = [
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
];

/// The numbers of all capabilities but these, as far as this kernel knows them.
pub(crate) fn all_but(kept: &[String]) -> Vec<u8> {
    let known = |number: u8| {
        let bit = 1_u64 << number;
        rustix::thread::capability_is_in_bounding_set(rustix::thread::CapabilitySet::from_bits_retain(bit)).is_ok()
    };
    (0..)
        .zip(NAMES)
        .filter(|(number, name)| !kept.iter().any(|kept| kept == name) && known(*number))
        .map(|(number, _)| number)
        .collect()
}

/// What the guest keeps beside what programs get: it reads other users' entries of `/proc`, and whoever lacks this
/// cannot look into the guest.
const OWN: &str = "sys_ptrace";

/// Gives up what neither programs get nor the guest needs. Only while there is one thread.
pub(crate) fn limit(dropped: &[u8]) {
    let bit = |number: u8| rustix::thread::CapabilitySet::from_bits_retain(1 << number);
    let Ok(sets) = rustix::thread::capabilities(None) else { return };
    let own = NAMES.iter().position(|name| *name == OWN);
    let given_up = dropped.iter().filter(|number| Some(usize::from(**number)) != own);
    let kept = given_up.fold(sets.permitted, |kept, number| kept.difference(bit(*number)));
    let _ = rustix::thread::set_capabilities(
        None,
        rustix::thread::CapabilitySets {
            effective: kept,
            permitted: kept,
            inheritable: rustix::thread::CapabilitySet::empty(),
        },
    );
}
