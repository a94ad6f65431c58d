// SPDX-License-Identifier: GPL-2.0-only
/*
 * net.c - frames through a tap, by the daemon's device and by a plain program
 *
 * The tap is in a network namespace of this program's own.  A driver is a process
 * on the rings of a device, which is the daemon's code in another process, as a
 * guest and lguestd are; eventfds go between them.  Beside it a plain program
 * writes the same frames to the same tap, or reads them, and does no more: what
 * the device makes of that is in percent.  They take turns, and the middle of
 * five is what counts.  A second is one of work, the device's or the plain
 * program's, not one of a clock: this machine may have other things to do, and
 * who sleeps now and then would get more of it than who never does.
 *
 * Prints "name value unit", a line for each.
 *
 * Start at main().
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/virtio_config.h>

#include "../../daemon/virtio/net.h"
#include "tap.h"
#include "vbus.h"
#include "vdriver.h"

#define BIT(n) (1ULL << (n))
#define SLOT   1
#define SIZE   256
#define ROUNDS 5

#define FEATURES                                                  \
	(BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_RING_F_EVENT_IDX) | \
	 BIT(VIRTIO_NET_F_MRG_RXBUF) | BIT(VIRTIO_NET_F_CSUM) |   \
	 BIT(VIRTIO_NET_F_HOST_TSO4))

enum {
	RX,
	TX
};

struct job {
	const char *name;
	unsigned int queue;
	size_t bytes; /* of a frame */
	unsigned long frames;
	bool gso;
};

static const struct job jobs[] = {
	{ "net-send-64", TX, 64, 150000, false },
	{ "net-send-1514", TX, 1514, 150000, false },
	{ "net-send-tso", TX, 65000, 30000, true },
	{ "net-receive-64", RX, 64, 100000, false },
	{ "net-receive-1514", RX, 1514, 100000, false },
};

static struct vbus vbus;
static struct vdriver driver[2];
static unsigned char frame[NET_HDR_BYTES + NET_FRAME_MAX];

/* Seconds that this process, and the kernel for it, have worked. */
static double now(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* Nobody here has that address, so the host drops it as soon as it can. */
static void make_frame(const struct job *job)
{
	struct virtio_net_hdr_v1 *hdr = (void *)frame;
	struct ether_header *eth = (void *)(hdr + 1);
	struct iphdr *ip = (void *)(eth + 1);
	struct tcphdr *tcp = (void *)(ip + 1);

	memset(frame, 0, sizeof(frame));
	memset(eth->ether_dhost, 2, ETH_ALEN);
	memset(eth->ether_shost, 4, ETH_ALEN);
	eth->ether_type = htons(job->gso ? ETHERTYPE_IP : 0x88b5);
	if (!job->gso)
		return;
	*hdr = (struct virtio_net_hdr_v1){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
		.hdr_len = sizeof(*eth) + sizeof(*ip) + sizeof(*tcp),
		.gso_size = 1448,
		.csum_start = sizeof(*eth) + sizeof(*ip),
		.csum_offset = 16,
	};
	ip->version = 4;
	ip->ihl = 5;
	ip->tot_len = htons((uint16_t)(job->bytes - sizeof(*eth)));
	ip->ttl = 64;
	ip->protocol = IPPROTO_TCP;
	tcp->doff = 5;
}

/* ---- the driver ---- */

static int kick_fd(unsigned int queue)
{
	return vbus.bus.devs[SLOT]->vqs[queue].kick_fd;
}

static void kick(unsigned int queue)
{
	if (vdriver_wants_kick(&driver[queue]))
		eventfd_write(kick_fd(queue), 1);
}

static void wait_call(unsigned int queue)
{
	struct pollfd wait = {
		.fd = vbus.bus.devs[SLOT]->vqs[queue].call_fd,
		.events = POLLIN,
	};
	eventfd_t count;

	poll(&wait, 1, -1);
	eventfd_read(wait.fd, &count);
}

/* Frames, as many at a time as there is room for. */
static void drive_tx(const struct job *job)
{
	struct vdriver_part part = {
		vdriver_put(&driver[TX], frame, NET_HDR_BYTES + job->bytes),
		(uint32_t)(NET_HDR_BYTES + job->bytes), false
	};
	unsigned long sent = 0, done = 0;
	struct vdriver_used used;

	while (done < job->frames) {
		while (sent < job->frames &&
		       vdriver_add(&driver[TX], &part, 1) >= 0)
			sent++;
		kick(TX);
		if (!vdriver_used(&driver[TX], &used)) {
			vdriver_want_signal(&driver[TX], true);
			if (!vdriver_used(&driver[TX], &used)) {
				wait_call(TX);
				continue;
			}
		}
		done++;
		while (vdriver_used(&driver[TX], &used))
			done++;
	}
}

static void drive_rx(const struct job *job)
{
	struct vdriver_part part = { 0, 2048, true };
	struct vdriver_used used;
	unsigned long done = 0;
	unsigned int i;

	for (i = 0; i < SIZE; i++) {
		part.gpa = vdriver_room(&driver[RX], part.len);
		vdriver_add(&driver[RX], &part, 1);
	}
	kick(RX);
	while (done < job->frames) {
		if (!vdriver_used(&driver[RX], &used)) {
			vdriver_want_signal(&driver[RX], true);
			if (!vdriver_used(&driver[RX], &used)) {
				wait_call(RX);
				continue;
			}
		}
		do {
			done++;
			part.gpa = driver[RX].split.desc[used.head].addr;
			vdriver_add(&driver[RX], &part, 1);
		} while (vdriver_used(&driver[RX], &used));
		kick(RX);
	}
}

/* ---- who sends what is received: a socket on the host's end ---- */

static pid_t flood(const struct job *job, const char *name)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_ifindex = (int)if_nametoindex(name),
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	pid_t pid = fork();

	if (pid) {
		close(fd);
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		sendto(fd, frame + NET_HDR_BYTES, job->bytes, 0,
		       (struct sockaddr *)&to, sizeof(to));
}

static void end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* ---- a tap, plainly ---- */

/* Every frame has come to the interface, or it was fast for another reason. */
static void check_sent(const struct job *job, const char *name)
{
	unsigned long bytes, packets = 0, dropped = 0;
	FILE *file = fopen("/proc/self/net/dev", "re");
	char line[256], *at;

	while (file && fgets(line, sizeof(line), file)) {
		at = strstr(line, name);
		if (at)
			sscanf(at + strlen(name), ": %lu %lu %*u %lu", &bytes,
			       &packets, &dropped);
	}
	if (file)
		fclose(file);
	if (job->queue == TX && packets + dropped < job->frames)
		bail_out("%s: %lu of %lu frames have arrived", job->name,
			 packets, job->frames);
	if (dropped && getenv("BENCH_VERBOSE"))
		fprintf(stderr, "# %s: %lu packets, %lu dropped\n", job->name,
			packets, dropped);
}

static double run_plain(const struct job *job, struct net_port *port)
{
	static char room[NET_HDR_BYTES + NET_FRAME_MAX];
	unsigned long done = 0;
	struct pollfd wait = { .fd = port->fd, .events = POLLIN };
	struct iovec iov = { frame, NET_HDR_BYTES + job->bytes };
	pid_t sender = job->queue == RX ? flood(job, port->name) : 0;
	double start = now();

	while (done < job->frames) {
		if (job->queue == TX) {
			done += writev(port->fd, &iov, 1) > 0;
			continue;
		}
		iov = (struct iovec){ room, sizeof(room) };
		if (readv(port->fd, &iov, 1) > 0)
			done++;
		else
			poll(&wait, 1, -1);
	}
	start = now() - start;
	check_sent(job, port->name);
	if (sender)
		end_child(sender);
	return (double)done / start;
}

/* ---- the device ---- */

static void set_up(struct net_port *port)
{
	const struct net_setup setup = { .mac = { 2 }, .mtu = 1500 };
	unsigned int i;
	int r;

	vbus_start(&vbus);
	vbus_add(&vbus, net_new(0, port, &setup), SLOT);
	r = vbus_up(&vbus, SLOT, FEATURES);
	for (i = RX; i <= TX; i++) {
		vdriver_init(&driver[i], &vbus.mem, 0x10000 + i * 0xa0000, SIZE,
			     FEATURES);
		r = r
			    ?: vbus_call(&vbus,
					 (struct lguest_virtio_call){
						 .op = LGUEST_VIRTIO_SET_QUEUE,
						 .slot = SLOT,
						 .index = i,
						 .word = { SIZE, driver[i].desc,
							   driver[i].driver,
							   driver[i].device, 0,
							   33 } });
	}
	r = r ?: vbus_run(&vbus, SLOT);
	if (r)
		bail_out("the device does not start: %s", strerror(-r));
}

static void on_end(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	event_base_loopbreak(arg);
}

static double run_device(const struct job *job, struct net_port *port)
{
	struct event *ended;
	int pipe_fd[2];
	pid_t pid, sender = 0;
	double start;

	set_up(port);
	if (pipe(pipe_fd) < 0)
		bail_out("pipe: %s", strerror(errno));
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(pipe_fd[0]);
		if (job->queue == TX)
			drive_tx(job);
		else
			drive_rx(job);
		_exit(0);
	}
	close(pipe_fd[1]);
	if (job->queue == RX)
		sender = flood(job, port->name);
	ended = event_new(vbus.bus.base, pipe_fd[0], EV_READ, on_end,
			  vbus.bus.base);
	event_add(ended, NULL);
	start = now();
	event_base_dispatch(vbus.bus.base);
	start = now() - start;
	if (vbus.bus.devs[SLOT]->state->why[0])
		bail_out("%s", vbus.bus.devs[SLOT]->state->why);
	waitpid(pid, NULL, 0);
	if (sender)
		end_child(sender);
	event_free(ended);
	close(pipe_fd[0]);
	check_sent(job, port->name);
	vbus_stop(&vbus);
	return (double)job->frames / start;
}

/* ---- both, in turn ---- */

static void raise_link(const char *name)
{
	struct ifreq ifr = { .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(ifr.ifr_name, name, strlen(name));
	if (ioctl(fd, SIOCSIFFLAGS, &ifr) < 0)
		bail_out("%s: %s", name, strerror(errno));
	close(fd);
}

static struct net_port *open_tap(void)
{
	struct net_port *port;
	int r = tap_open("lgbench", &port);

	if (r < 0)
		bail_out(TAP_DEVICE ": %s", strerror(-r));
	raise_link(port->name);
	return port;
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static void run_job(const struct job *job)
{
	double device[ROUNDS], plain[ROUNDS], percent[ROUNDS], bits;
	struct net_port *port;
	int i;

	make_frame(job);
	for (i = 0; i < ROUNDS; i++) {
		port = open_tap();
		plain[i] = run_plain(job, port);
		port->ops->close(port);
		device[i] = run_device(job, open_tap());
		percent[i] = device[i] / plain[i] * 100;
	}
	qsort(device, ROUNDS, sizeof(device[0]), compare);
	qsort(plain, ROUNDS, sizeof(plain[0]), compare);
	qsort(percent, ROUNDS, sizeof(percent[0]), compare);
	bits = device[ROUNDS / 2] * (double)job->bytes * 8 / 1e9;
	printf("%s %.0f frames/s\n", job->name, device[ROUNDS / 2]);
	printf("%s.gbit %.2f Gb/s\n", job->name, bits);
	printf("%s.plain %.0f frames/s\n", job->name, plain[ROUNDS / 2]);
	printf("%s.of-plain %.1f percent\n", job->name, percent[ROUNDS / 2]);
	fflush(stdout);
}

int main(void)
{
	size_t i;

	if (unshare(CLONE_NEWNET) < 0)
		bail_out("no network namespace: %s", strerror(errno));
	for (i = 0; i < sizeof(jobs) / sizeof(jobs[0]); i++)
		run_job(&jobs[i]);
	return 0;
}
