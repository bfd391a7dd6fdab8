// Asks, from inside a sandbox, for everything that a sandbox must refuse.
//
// It does no harm where nothing refuses: files are opened and not written, system calls get arguments that are wrong
// in a way that only shows after the permission check. One line per question: `LEAK`, `ok` or `info`, the question, and
// what came back. The exit code is the number of leaks.
//
//   probe PORT SOCKET FILE
//
// PORT is listened on at the host's loopback, SOCKET is the name of an abstract socket of the host, FILE a path that
// only the host has. The host's environment holds FAULT_HOST_SECRET.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int leaks;

static void answer(int leak, const char *question, const char *detail) {
    leaks += leak;
    printf("%s %s: %s\n", leak ? "LEAK" : "ok", question, detail);
}

static void info(const char *what, const char *detail) { printf("info %s: %s\n", what, detail); }

static const char *result(int error) { return error ? strerrorname_np(error) : "succeeded"; }

// Runs a question in a child, so that what it changes about the process ends with it. Its status is the child's.
static int in_child(int (*question)(void)) {
    int status = 0;
    pid_t child = fork();
    if (child == 0) _exit(question());
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// The namespaces of the machine itself have fixed numbers.
static int host_user_namespace;

static void namespaces(void) {
    struct { const char *name, *host; } all[] = {
        { "user", "user:[4026531837]" }, { "pid", "pid:[4026531836]" }, { "ipc", "ipc:[4026531839]" },
        { "uts", "uts:[4026531838]" }, { "cgroup", "cgroup:[4026531835]" },
    };
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
        char path[64], link[128] = "unreadable", question[64];
        snprintf(path, sizeof path, "/proc/self/ns/%s", all[i].name);
        ssize_t length = readlink(path, link, sizeof link - 1);
        if (length > 0) link[length] = 0;
        int same = !strcmp(link, all[i].host);
        if (i == 0) host_user_namespace = same;
        snprintf(question, sizeof question, "own %s namespace", all[i].name);
        answer(same, question, link);
    }
    FILE *file = fopen("/proc/net/dev", "r");
    char line[512], seen[512] = "";
    int others = 0;
    while (file && fgets(line, sizeof line, file)) {
        char name[32];
        if (!strchr(line, '|') && sscanf(line, " %31[^:]:", name) == 1) {
            others += strcmp(name, "lo") != 0;
            snprintf(seen + strlen(seen), sizeof seen - strlen(seen), "%s ", name);
        }
    }
    if (file) fclose(file);
    answer(others > 0, "only loopback", seen);
}

static void descriptors(void) {
    DIR *folder = opendir("/proc/self/fd");
    char list[1024] = "none above 2";
    int found = 0;
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        int number = atoi(entry->d_name);
        if (entry->d_name[0] == '.' || number <= 2 || number == dirfd(folder)) continue;
        char path[64], link[256] = "?";
        snprintf(path, sizeof path, "/proc/self/fd/%d", number);
        ssize_t length = readlink(path, link, sizeof link - 1);
        if (length > 0) link[length] = 0;
        if (!found++) list[0] = 0;
        snprintf(list + strlen(list), sizeof list - strlen(list), "%d=%s ", number, link);
    }
    if (folder) closedir(folder);
    answer(found > 0, "inherited descriptors", list);
}

static int left_the_root(void) {
    struct stat root, here;
    return stat("/", &root) || stat(".", &here) || root.st_ino != here.st_ino || root.st_dev != here.st_dev;
}

static int climb(void) {
    for (int i = 0; i < 64; i++) if (chdir("..")) break;
    return left_the_root();
}

static int climb_out_of_chroot(void) {
    char inner[] = "/tmp/probeXXXXXX";
    int outer = open("/", O_RDONLY | O_DIRECTORY);
    struct stat root, here;
    if (outer < 0 || stat("/", &root) || !mkdtemp(inner)) return 0;
    int entered = chroot(inner) == 0 && fchdir(outer) == 0;
    for (int i = 0; entered && i < 64; i++) if (chdir("..")) break;
    int out = entered && stat(".", &here) == 0 && (root.st_ino != here.st_ino || root.st_dev != here.st_dev);
    if (entered) unlinkat(outer, inner + 1, AT_REMOVEDIR); else rmdir(inner);
    return out;
}

static void root_and_environment(const char *host_file) {
    char here[4096];
    if (!getcwd(here, sizeof here)) strcpy(here, "?");
    answer(!strncmp(here, "(unreachable)", 13), "working folder inside the root", here);
    answer(in_child(climb) == 1, "climb by ..", "from the working folder");
    answer(in_child(climb_out_of_chroot) == 1, "climb out of a chroot", "by an open folder");
    answer(getenv("FAULT_HOST_SECRET") != NULL, "variables of the host", getenv("FAULT_HOST_SECRET") ? "visible" : "none");
    struct stat stat_buffer;
    answer(stat(host_file, &stat_buffer) == 0, "a file of the host", host_file);
    struct stat one, root;
    int other = !stat("/proc/1/root/", &one) && !stat("/", &root) && (one.st_dev != root.st_dev || one.st_ino != root.st_ino);
    answer(other, "the root of process 1", other ? "another one" : "the same, or closed");
}

static void kernel_settings(void) {
    const char *write[] = {
        "/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/vm/drop_caches",
        "/proc/sys/vm/overcommit_memory", "/proc/sys/fs/binfmt_misc/register", "/proc/irq/default_smp_affinity",
        "/sys/kernel/uevent_helper", "/sys/kernel/mm/transparent_hugepage/enabled", "/sys/power/state",
        "/sys/fs/cgroup/release_agent", "/sys/fs/cgroup/memory/release_agent", "/sys/fs/cgroup/pids/release_agent",
        "/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/pids/cgroup.procs", "/proc/1/exe",
    };
    const char *read_[] = { "/proc/kcore", "/dev/mem", "/dev/port", "/dev/kmsg" };
    const char *device[] = {
        "/dev/kvm", "/dev/fuse", "/dev/loop-control", "/dev/loop0", "/dev/vda", "/dev/sda", "/dev/nvme0n1", "/dev/vsock", "/dev/net/tun",
    };
    char question[128], byte;
    for (unsigned i = 0; i < sizeof write / sizeof *write; i++) {
        int fd = open(write[i], O_WRONLY | O_CLOEXEC | O_NOCTTY);
        snprintf(question, sizeof question, "write %s", write[i]);
        answer(fd >= 0, question, result(fd < 0 ? errno : 0));
        if (fd >= 0) close(fd);
    }
    for (unsigned i = 0; i < sizeof read_ / sizeof *read_; i++) {
        int fd = open(read_[i], O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        ssize_t got = fd < 0 ? -1 : read(fd, &byte, 1);
        snprintf(question, sizeof question, "read %s", read_[i]);
        answer(got > 0, question, got > 0 ? "readable" : got == 0 ? "empty" : result(errno));
        if (fd >= 0) close(fd);
    }
    for (unsigned i = 0; i < sizeof device / sizeof *device; i++) {
        int fd = open(device[i], O_RDWR | O_CLOEXEC | O_NONBLOCK);
        snprintf(question, sizeof question, "open %s", device[i]);
        answer(fd >= 0, question, result(fd < 0 ? errno : 0));
        if (fd >= 0) close(fd);
    }
    // A device node of one's own making: the disks that Linux numbers first, and the memory.
    const int major_[] = { 8, 252, 253, 254, 259, 1 };
    const char *node = "/tmp/probe-device";
    int readable = 0;
    for (unsigned i = 0; i < sizeof major_ / sizeof *major_; i++) {
        int memory = major_[i] == 1;
        if (mknod(node, (memory ? S_IFCHR : S_IFBLK) | 0600, makedev(major_[i], memory))) continue;
        int fd = open(node, O_RDONLY | O_CLOEXEC);
        readable += fd >= 0 && read(fd, &byte, 1) == 1;
        if (fd >= 0) close(fd);
        unlink(node);
    }
    answer(readable > 0, "make a device and read it", readable ? "a disk or the memory" : "nothing readable");
}

static int new_user_namespace(void) { return unshare(CLONE_NEWUSER) ? errno : 0; }

static int mount_something(void) {
    char place[] = "/tmp/probeXXXXXX";
    if (!mkdtemp(place)) return 1;
    int error = mount("tmpfs", place, "tmpfs", 0, NULL) ? errno : 0;
    if (!error) umount2(place, MNT_DETACH);
    rmdir(place);
    return error;
}

// The call is refused before its arguments are looked at, or it would have worked with better ones.
static void refused(const char *question, long returned, int would_be_allowed) {
    int error = returned < 0 ? errno : 0;
    int past = error == EINVAL || error == EFAULT || error == ENOEXEC || error == E2BIG || error == EBADF || error == would_be_allowed;
    answer(returned >= 0 || past, question, result(error));
}

static void system_calls(void) {
    refused("init_module", syscall(SYS_init_module, NULL, 0, ""), 0);
    refused("finit_module", syscall(SYS_finit_module, -1, "", 0), 0);
    refused("delete_module", syscall(SYS_delete_module, "fault_no_such_module", O_NONBLOCK), ENOENT);
    refused("kexec_load", syscall(SYS_kexec_load, 0UL, 1UL << 40, NULL, 0x7fff0000UL), 0);
    refused("swapon", syscall(SYS_swapon, "", 0), ENOENT);
    refused("acct", syscall(SYS_acct, "/fault/none"), ENOENT);
    refused("iopl", syscall(SYS_iopl, 3), ENODATA);
    // In a process namespace of its own `reboot` ends that namespace only, so it counts in the host's alone.
    if (host_user_namespace) refused("reboot", syscall(SYS_reboot, 0, 0, 0, NULL), 0);
    struct { unsigned length; int type; unsigned char bytes[8]; } handle = { 8, 1, { 2 } };
    int root = open("/", O_RDONLY | O_CLOEXEC);
    refused("open_by_handle_at", syscall(SYS_open_by_handle_at, root, &handle, O_RDONLY), ESTALE);
    close(root);
    unsigned attributes[32] = { 1, 128 };
    refused("perf_event_open on all processors", syscall(SYS_perf_event_open, attributes, -1, 0, -1, 0) < 0 ? -1 : 0, ENODATA);
    char log[64];
    answer(syscall(SYS_syslog, 3, log, sizeof log) > 0, "the kernel's log", result(errno));
    int error = in_child(new_user_namespace);
    info("a user namespace inside", result(error));
    error = in_child(mount_something);
    info("a mount inside", result(error));
    info("no_new_privs", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? "on" : "off");
}

static void sockets(int port, const char *name) {
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = { htonl(INADDR_LOOPBACK) } };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    answer(connect(fd, (void *)&address, sizeof address) == 0, "a port of the host", "loopback");
    close(fd);
    struct sockaddr_un local = { .sun_family = AF_UNIX };
    strncpy(local.sun_path + 1, name, sizeof local.sun_path - 2);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t length = offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name);
    answer(connect(fd, (void *)&local, length) == 0, "an abstract socket of the host", name);
    close(fd);
    fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
    answer(fd >= 0, "a socket to the hypervisor", result(fd < 0 ? errno : 0));
    if (fd >= 0) close(fd);
    const char *control[] = { "/var/run/docker.sock", "/run/podman/podman.sock", "/run/containerd/containerd.sock", "/run/dbus/system_bus_socket" };
    struct stat buffer;
    for (unsigned i = 0; i < sizeof control / sizeof *control; i++) answer(stat(control[i], &buffer) == 0, control[i], "a socket that controls the host");
    fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    int typed = fd >= 0 && (ioctl(fd, TIOCSTI, (char *)1) == 0 || errno == EFAULT);
    answer(typed, "typing into the caller's terminal", fd < 0 ? "no terminal" : result(errno));
    if (fd >= 0) close(fd);
}

static void others(void) {
    DIR *folder = opendir("/proc");
    int count = 0;
    char detail[64];
    for (struct dirent *entry; folder && (entry = readdir(folder));) count += entry->d_name[0] >= '0' && entry->d_name[0] <= '9';
    if (folder) closedir(folder);
    snprintf(detail, sizeof detail, "%d visible", count);
    answer(count > 12, "processes of the host", detail);
    // Capabilities reach past the sandbox only where the user namespace is the host's.
    int dangerous[] = { CAP_SYS_MODULE, CAP_SYS_RAWIO, CAP_SYS_TIME, CAP_SYS_BOOT, CAP_SYS_ADMIN, CAP_SYS_PTRACE, CAP_SYSLOG,
                        CAP_BPF, CAP_PERFMON, CAP_DAC_READ_SEARCH, CAP_AUDIT_CONTROL, CAP_WAKE_ALARM, CAP_MKNOD };
    int held = 0;
    for (unsigned i = 0; i < sizeof dangerous / sizeof *dangerous; i++) held += prctl(PR_CAPBSET_READ, dangerous[i], 0, 0, 0) == 1;
    snprintf(detail, sizeof detail, "%d of %zu", held, sizeof dangerous / sizeof *dangerous);
    answer(held > 0 && host_user_namespace, "capabilities over the host", detail);
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: probe PORT SOCKET FILE\n");
        return 125;
    }
    setvbuf(stdout, NULL, _IONBF, 0);
    namespaces();
    descriptors();
    root_and_environment(argv[3]);
    kernel_settings();
    system_calls();
    sockets(atoi(argv[1]), argv[2]);
    others();
    printf("%d leaks\n", leaks);
    return leaks > 100 ? 100 : leaks;
}
