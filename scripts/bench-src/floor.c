/* The least that still is a copy-on-write sandbox, as a yardstick: new namespaces (network with loopback too),
 * an overlay over a read-only image, pivot_root, a fresh /proc, one program, everything taken down again.
 *
 * usage: floor IMAGE SCRATCH COUNT PROGRAM [ARGUMENT...]
 * Makes COUNT sandboxes one after the other and prints the milliseconds of each on a line of its own.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void fail(const char *what)
{
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	_exit(125);
}

static void loopback_up(void)
{
	struct ifreq request = { .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	strcpy(request.ifr_name, "lo");
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		fail("bring loopback up");
	close(fd);
}

/* Runs in the new namespaces; the overlay is mounted only there, so nothing stays behind. */
static void inside(const char *image, const char *layer, char **program)
{
	char root[4200], options[13000];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(root, sizeof root, "%s/root", layer);
	snprintf(options, sizeof options, "lowerdir=%s,upperdir=%s/upper,workdir=%s/work", image, layer, layer);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		fail("make mounts private");
	if (mount("overlay", root, "overlay", 0, options) < 0)
		fail("mount overlay");
	if (chdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		fail("change root");
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		fail("mount proc");
	loopback_up();
	execv(program[0], program);
	fail("execute");
}

static void make_folder(const char *layer, const char *name)
{
	char path[4200];

	snprintf(path, sizeof path, "%s/%s", layer, name);
	if (mkdir(path, 0755) < 0)
		fail("make folder");
}

static void remove_layer(const char *layer)
{
	static const char *const names[] = { "/work/work", "/work", "/upper", "/root", "" };
	char path[4200];

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(path, sizeof path, "%s%s", layer, names[i]);
		rmdir(path);
	}
}

static int one(const char *image, const char *scratch, char **program)
{
	char layer[4100];
	int status;
	pid_t child;

	snprintf(layer, sizeof layer, "%s/layer-XXXXXX", scratch);
	if (!mkdtemp(layer))
		fail("make layer");
	make_folder(layer, "upper");
	make_folder(layer, "work");
	make_folder(layer, "root");
	child = syscall(SYS_clone, CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | SIGCHLD, 0, 0, 0, 0);
	if (child < 0)
		fail("clone");
	if (child == 0)
		inside(image, layer, program);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	remove_layer(layer);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

int main(int argc, char **argv)
{
	if (argc < 5) {
		fprintf(stderr, "usage: floor IMAGE SCRATCH COUNT PROGRAM [ARGUMENT...]\n");
		return 2;
	}
	for (int count = atoi(argv[3]); count > 0; count--) {
		struct timespec begin, end;
		int status;

		clock_gettime(CLOCK_MONOTONIC, &begin);
		status = one(argv[1], argv[2], argv + 4);
		clock_gettime(CLOCK_MONOTONIC, &end);
		if (status != 0)
			return status;
		printf("%.3f\n", (end.tv_sec - begin.tv_sec) * 1e3 + (end.tv_nsec - begin.tv_nsec) / 1e6);
	}
	return 0;
}
