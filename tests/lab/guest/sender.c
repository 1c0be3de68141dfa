// SPDX-License-Identifier: BSD-3-Clause
/*
 * A sender that reads commands from standard input, one a line, and answers each with one line:
 * "ok ...", or the name of an errno and the library's message. N is the number of a connection, 0
 * to 7; a RANGE of the region is OFFSET+SIZE. What the peer of a connection must receive is written
 * to /tmp/want.N.
 *
 *	region SPEC SIZE		opens the region and fills it with bytes that differ from
 *					place to place
 *	region SPEC SIZE untouched	the same without filling it, for memory that can't be mapped
 *	bind tx|plain DEV		"plain": DEVMEM_BINDING_PLAIN_OK; "ok device ID" or "ok
 *					plain REASON"
 *	bind rx DEV QUEUE		a binding that nothing can be sent with
 *	unbind				closes the binding
 *	inherit				uses region and binding of the launcher; fills the region
 *	connect N ADDRESS PORT [nonblock]
 *					a TCP connection; "nonblock": its descriptor is O_NONBLOCK
 *					afterwards
 *	open N [keep] [sends=K] [ranges=K] [zerocopy=K]
 *					a sender on it; "keep": DEVMEM_TX_KEEP_UNBOUND
 *	close N drain|abandon MS	closes the sender
 *	end N				closes the connection
 *	send N [dontwait] RANGE...	"ok BYTES SEQUENCE"
 *	fill N SIZE COUNT		up to COUNT sends of SIZE bytes each with
 *					DEVMEM_TX_DONTWAIT, until one fails; "ok BYTES", or the
 *					errno, BYTES and the reason
 *	write N RANGE			an ordinary send(2) of the same bytes
 *	wait N SEQUENCE|all MS
 *	reap N				"ok FIRST-LAST..."
 *	completed N			"ok COMPLETED LAST"
 *	flight N RANGE			"ok 0", or "ok 1 SEQUENCE"
 *	stats N				"ok NAME=VALUE..."
 *	poison RANGE			overwrites bytes of the region with others
 *	heal RANGE			undoes that
 *	poll BYTES CHUNK		BYTES on each connection at the same time, on one thread
 *	threads BYTES CHUNK		the same, each on a thread of its own
 *	reuse N SIZE ROUNDS		sends the same part of the region ROUNDS times, each time
 *					with other bytes
 *	ring N RANGE CHUNK TOTAL	a stream of TOTAL bytes through that part of the region
 *
 * At the end of the commands everything is closed; what is in flight is abandoned.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sender.h"
#include "streams.h"

#define LINE_MAX_BYTES (256 << 10)
#define WORDS_MAX (DEVMEM_TX_RANGES_MAX + 16)

struct sender sender;
static struct devmem_netdev *netdev;
static struct devmem_binding *binding;
static struct devmem_inherited *inherited;

/* ---- answers ---- */

void answer(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

void answer_error(int code, const char *message)
{
	const char *name = strerrorname_np(-code);

	answer("%s %s", name ? name : "?", message);
}

void answer_tx_error(const struct conn *conn, int code)
{
	struct devmem_error err;

	devmem_tx_explain(conn->tx, code, &err);
	answer_error(code, err.message);
}

/* ---- words ---- */

static uint64_t number(const char *word)
{
	char *end;
	uint64_t n = strtoull(word, &end, 0);

	if (end == word || *end)
		die("'%s' is no number", word);
	return n;
}

static struct devmem_range parse_range(const char *word)
{
	struct devmem_range range;
	char *end;

	range.offset = strtoull(word, &end, 0);
	if (*end != '+')
		die("'%s' is no range", word);
	range.size = number(end + 1);
	return range;
}

static struct conn *parse_conn(const char *word)
{
	uint64_t n = number(word);

	if (n >= CONNS_MAX)
		die("no connection %s", word);
	return &sender.conns[n];
}

static struct conn *parse_tx(const char *word)
{
	struct conn *conn = parse_conn(word);

	if (!conn->tx)
		die("no sender on connection %s", word);
	return conn;
}

/* ---- region and binding ---- */

static void use_region(struct devmem_region *region, bool fill)
{
	sender.region = region;
	sender.size = devmem_region_size(region);
	sender.copy = malloc(sender.size);
	if (!sender.copy)
		die("no memory");
	pattern(sender.copy, 0, sender.size);
	if (fill)
		region_put(0, sender.copy, sender.size);
}

static void cmd_region(int n, char **words)
{
	struct devmem_region *region;
	struct devmem_error err;
	int code;

	code = devmem_region_open(&region, words[1], number(words[2]), &err);
	if (code) {
		answer_error(code, err.message);
		return;
	}
	use_region(region, n == 3);
	answer("ok %s", devmem_region_spec(sender.region));
}

static int bind_rx(const char *queue, struct devmem_error *err)
{
	uint32_t q = (uint32_t)number(queue);

	return devmem_binding_open_rx(&binding, sender.region, netdev, &q, 1, NULL, err);
}

static void cmd_bind(int n, char **words)
{
	struct devmem_binding_options options = { .sz = sizeof(options) };
	struct devmem_error err;
	int code;

	if (!strcmp(words[1], "plain"))
		options.flags = DEVMEM_BINDING_PLAIN_OK;
	devmem_netdev_close(netdev);
	netdev = NULL;
	must(devmem_netdev_open(&netdev, words[2], &err), &err);
	code = n == 4 ? bind_rx(words[3], &err)
		      : devmem_binding_open_tx(&binding, sender.region, netdev, &options, &err);
	if (code)
		answer_error(code, err.message);
	else if (n == 3 && devmem_binding_is_plain(binding))
		answer("ok plain %s", devmem_binding_note(binding));
	else
		answer("ok device %u", devmem_binding_id(binding));
}

static void cmd_unbind(int n, char **words)
{
	(void)n;
	(void)words;
	devmem_binding_close(binding);
	binding = NULL;
	answer("ok");
}

static void cmd_inherit(int n, char **words)
{
	struct devmem_error err;
	int code;

	(void)n;
	(void)words;
	code = devmem_inherited_open(&inherited, getenv(DEVMEM_INHERIT_ENV), &err);
	if (code) {
		answer_error(code, err.message);
		return;
	}
	use_region(devmem_inherited_region(inherited), true);
	binding = devmem_inherited_binding(inherited);
	answer("ok %s", devmem_inherited_dev(inherited));
}

/* ---- connections ---- */

static socklen_t parse_address(struct sockaddr_storage *addr, const char *address, const char *port)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)addr;
	struct sockaddr_in *in = (struct sockaddr_in *)addr;

	memset(addr, 0, sizeof(*addr));
	if (inet_pton(AF_INET, address, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons((uint16_t)number(port));
		return sizeof(*in);
	}
	if (inet_pton(AF_INET6, address, &in6->sin6_addr) != 1)
		die("'%s' is no address", address);
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons((uint16_t)number(port));
	return sizeof(*in6);
}

static void cmd_connect(int n, char **words)
{
	struct conn *conn = parse_conn(words[1]);
	struct sockaddr_storage addr;
	socklen_t size = parse_address(&addr, words[2], words[3]);
	char path[32];

	if (conn->fd >= 0)
		die("connection %s is there already", words[1]);
	snprintf(path, sizeof(path), "/tmp/want.%s", words[1]);
	conn->want = create_file(path);
	conn->fd = socket(addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (conn->fd < 0 || connect(conn->fd, (struct sockaddr *)&addr, size))
		die("%s port %s: %s", words[2], words[3], strerror(errno));
	if (n == 5 && fcntl(conn->fd, F_SETFL, O_NONBLOCK))
		die("O_NONBLOCK: %s", strerror(errno));
	answer("ok");
}

static void cmd_open(int n, char **words)
{
	struct devmem_tx_options options = { .sz = sizeof(options) };
	struct conn *conn = parse_conn(words[1]);
	struct devmem_error err;
	int code, i;

	for (i = 2; i < n; i++) {
		if (!strcmp(words[i], "keep"))
			options.flags = DEVMEM_TX_KEEP_UNBOUND;
		else if (sscanf(words[i], "sends=%u", &options.sends_max) != 1 &&
			 sscanf(words[i], "ranges=%u", &options.ranges_max) != 1 &&
			 sscanf(words[i], "zerocopy=%u", &options.zerocopy_sends) != 1)
			die("'%s' is no option", words[i]);
	}
	code = devmem_tx_open(&conn->tx, conn->fd, binding, &options, &err);
	conn->reported = 0;
	if (code)
		answer_error(code, err.message);
	else
		answer("ok");
}

static void cmd_close(int n, char **words)
{
	struct conn *conn = parse_tx(words[1]);
	unsigned int how = strcmp(words[2], "drain") ? DEVMEM_TX_ABANDON : DEVMEM_TX_DRAIN;
	int code;

	(void)n;
	code = devmem_tx_close(conn->tx, how, (int)number(words[3]));
	if (code) {
		answer_tx_error(conn, code);
		return;
	}
	conn->tx = NULL;
	answer("ok");
}

static void end_conn(struct conn *conn)
{
	if (conn->fd < 0)
		return;
	close(conn->fd);
	close(conn->want);
	conn->fd = conn->want = -1;
}

static void cmd_end(int n, char **words)
{
	struct conn *conn = parse_conn(words[1]);

	(void)n;
	if (conn->tx)
		die("there is still a sender on connection %s", words[1]);
	end_conn(conn);
	answer("ok");
}

/* ---- sends ---- */

static void cmd_send(int n, char **words)
{
	static struct devmem_range ranges[WORDS_MAX];
	struct conn *conn = parse_tx(words[1]);
	unsigned int flags = 0;
	uint64_t sequence;
	size_t count = 0;
	int64_t bytes;
	int i = 2;

	if (i < n && !strcmp(words[i], "dontwait")) {
		flags = DEVMEM_TX_DONTWAIT;
		i++;
	}
	for (; i < n; i++)
		ranges[count++] = parse_range(words[i]);
	bytes = devmem_tx_send(conn->tx, ranges, count, flags, &sequence);
	if (bytes < 0) {
		answer_tx_error(conn, (int)bytes);
		return;
	}
	want_ranges(conn, ranges, count, (uint64_t)bytes);
	answer("ok %lld %llu", (long long)bytes, (unsigned long long)sequence);
}

static void cmd_fill(int n, char **words)
{
	struct conn *conn = parse_tx(words[1]);
	uint64_t size = number(words[2]), count = number(words[3]), total = 0, i;
	struct devmem_range range = { 0, size };
	struct devmem_error err;
	int64_t bytes;

	(void)n;
	for (i = 0; i < count; i++) {
		bytes = devmem_tx_send(conn->tx, &range, 1, DEVMEM_TX_DONTWAIT, NULL);
		if (bytes < 0) {
			devmem_tx_explain(conn->tx, (int)bytes, &err);
			answer("%s %llu %s", strerrorname_np((int)-bytes),
			       (unsigned long long)total, err.message);
			return;
		}
		want_ranges(conn, &range, 1, (uint64_t)bytes);
		total += (uint64_t)bytes;
		range.offset += (uint64_t)bytes;
		if (range.offset + size > sender.size)
			range.offset = 0;
	}
	answer("ok %llu", (unsigned long long)total);
}

static void cmd_write(int n, char **words)
{
	struct conn *conn = parse_conn(words[1]);
	struct devmem_range range = parse_range(words[2]);

	(void)n;
	if (send(conn->fd, sender.copy + range.offset, range.size, MSG_NOSIGNAL) !=
	    (ssize_t)range.size)
		die("send: %s", strerror(errno));
	want_ranges(conn, &range, 1, range.size);
	answer("ok");
}

/* ---- completions ---- */

static void cmd_wait(int n, char **words)
{
	struct conn *conn = parse_tx(words[1]);
	uint64_t sequence = strcmp(words[2], "all") ? number(words[2]) : DEVMEM_TX_ALL;
	int code;

	(void)n;
	code = devmem_tx_wait(conn->tx, sequence, (int)number(words[3]));
	if (code)
		answer_tx_error(conn, code);
	else
		answer("ok");
}

static void cmd_reap(int n, char **words)
{
	struct conn *conn = parse_tx(words[1]);
	struct devmem_tx_done done[16];
	int count, i;

	(void)n;
	count = reap(conn, done, 16);
	if (count < 0) {
		answer_tx_error(conn, count);
		return;
	}
	printf("ok");
	for (i = 0; i < count; i++)
		printf(" %llu-%llu", (unsigned long long)done[i].first,
		       (unsigned long long)done[i].last);
	answer("%s", "");
}

static void cmd_completed(int n, char **words)
{
	struct conn *conn = parse_tx(words[1]);

	(void)n;
	answer("ok %llu %llu", (unsigned long long)devmem_tx_completed(conn->tx),
	       (unsigned long long)devmem_tx_last(conn->tx));
}

static void cmd_flight(int n, char **words)
{
	struct conn *conn = parse_tx(words[1]);
	struct devmem_range range = parse_range(words[2]);
	uint64_t sequence = 0;

	(void)n;
	if (devmem_tx_in_flight(conn->tx, &range, &sequence))
		answer("ok 1 %llu", (unsigned long long)sequence);
	else
		answer("ok 0");
}

static void cmd_stats(int n, char **words)
{
	struct conn *conn = parse_tx(words[1]);
	struct devmem_tx_stats s;

	(void)n;
	devmem_tx_stats(conn->tx, &s);
#define STAT(name) printf(" " #name "=%llu", (unsigned long long)s.name)
	printf("ok");
	STAT(bytes_device);
	STAT(bytes_plain);
	STAT(sends);
	STAT(ranges);
	STAT(completions);
	STAT(sends_completed);
	STAT(sends_copied);
	STAT(completions_unknown);
	STAT(notices_other);
	STAT(sends_partial);
	STAT(full_socket);
	STAT(full_notifications);
	STAT(full_in_flight);
	STAT(in_flight_sends);
	STAT(in_flight_bytes);
	STAT(in_flight_sends_max);
	STAT(in_flight_bytes_max);
	STAT(zerocopy_sends);
#undef STAT
	answer("%s", "");
}

/* ---- bytes and traffic ---- */

static void cmd_poison(int n, char **words)
{
	struct devmem_range range = parse_range(words[1]);

	(void)n;
	region_poison(&range);
	answer("ok");
}

static void cmd_heal(int n, char **words)
{
	struct devmem_range range = parse_range(words[1]);

	(void)n;
	region_heal(&range);
	answer("ok");
}

static void cmd_poll(int n, char **words)
{
	(void)n;
	load_poll(number(words[1]), number(words[2]));
}

static void cmd_threads(int n, char **words)
{
	(void)n;
	load_threads(number(words[1]), number(words[2]));
}

static void cmd_reuse(int n, char **words)
{
	(void)n;
	load_reuse(parse_tx(words[1]), number(words[2]), number(words[3]));
}

static void cmd_ring(int n, char **words)
{
	struct devmem_range space = parse_range(words[2]);

	(void)n;
	load_ring(parse_tx(words[1]), &space, number(words[3]), number(words[4]));
}

/* ---- commands ---- */

/* min, max: words of a command, itself included */
static const struct command {
	const char *name;
	int min, max;
	void (*run)(int n, char **words);
} commands[] = {
	{ "region", 3, 4, cmd_region },	    { "bind", 3, 4, cmd_bind },
	{ "unbind", 1, 1, cmd_unbind },	    { "inherit", 1, 1, cmd_inherit },
	{ "connect", 4, 5, cmd_connect },   { "open", 2, 6, cmd_open },
	{ "close", 4, 4, cmd_close },	    { "end", 2, 2, cmd_end },
	{ "send", 2, WORDS_MAX, cmd_send }, { "fill", 4, 4, cmd_fill },
	{ "write", 3, 3, cmd_write },	    { "wait", 4, 4, cmd_wait },
	{ "reap", 2, 2, cmd_reap },	    { "completed", 2, 2, cmd_completed },
	{ "flight", 3, 3, cmd_flight },	    { "stats", 2, 2, cmd_stats },
	{ "poison", 2, 2, cmd_poison },	    { "heal", 2, 2, cmd_heal },
	{ "poll", 3, 3, cmd_poll },	    { "threads", 3, 3, cmd_threads },
	{ "reuse", 4, 4, cmd_reuse },	    { "ring", 5, 5, cmd_ring },
};

static int split(char *line, char **words)
{
	char *save, *word;
	int n = 0;

	for (word = strtok_r(line, " \n", &save); word; word = strtok_r(NULL, " \n", &save)) {
		if (n == WORDS_MAX)
			die("too many words");
		words[n++] = word;
	}
	return n;
}

static void obey(int n, char **words)
{
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(words[0], commands[i].name))
			continue;
		if (n < commands[i].min || n > commands[i].max)
			die("'%s' wants other words", words[0]);
		commands[i].run(n, words);
		return;
	}
	die("no command '%s'", words[0]);
}

static void close_all(void)
{
	size_t i;

	for (i = 0; i < CONNS_MAX; i++) {
		devmem_tx_close(sender.conns[i].tx, DEVMEM_TX_ABANDON, 0);
		end_conn(&sender.conns[i]);
	}
	if (!inherited) {
		devmem_binding_close(binding);
		devmem_region_close(sender.region);
	}
	devmem_inherited_close(inherited);
	devmem_netdev_close(netdev);
	free(sender.copy);
}

int main(void)
{
	static char line[LINE_MAX_BYTES], *words[WORDS_MAX];
	size_t i;
	int n;

	for (i = 0; i < CONNS_MAX; i++)
		sender.conns[i].fd = sender.conns[i].want = -1;
	while (fgets(line, sizeof(line), stdin)) {
		n = split(line, words);
		if (n)
			obey(n, words);
	}
	close_all();
	return 0;
}
