/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "parse.h"

/* Digits only, so that signs, spaces and "0x" are refused. end is set behind them. */
static int digits(const char *text, uint64_t *value, const char **end)
{
	uint64_t v = 0;
	const char *c = text;

	for (; *c >= '0' && *c <= '9'; c++) {
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*c - '0'), &v))
			return -ERANGE;
	}
	if (c == text)
		return -EINVAL;
	*value = v;
	*end = c;
	return 0;
}

int parse_uint(const char *what, const char *text, uint64_t min, uint64_t max, uint64_t *value)
{
	const char *end;
	int err = digits(text, value, &end);

	if (err == -EINVAL || (!err && *end))
		return fail(EXIT_USAGE, "%s '%s': not a number", what, text);
	if (err || *value < min || *value > max)
		return fail(EXIT_USAGE, "%s '%s': must be from %llu to %llu", what, text,
			    (unsigned long long)min, (unsigned long long)max);
	return 0;
}

static int unit_shift(const char *unit)
{
	static const char letters[] = "KMGT";
	const char *at;

	if (!*unit)
		return 0;
	at = strchr(letters, *unit >= 'a' ? *unit - 'a' + 'A' : *unit);
	if (!at || !*at || (unit[1] && strcmp(unit + 1, "iB")))
		return -1;
	return 10 * (int)(at - letters + 1);
}

int parse_size(const char *what, const char *text, uint64_t min, uint64_t max, uint64_t *value)
{
	const char *end;
	int err = digits(text, value, &end);
	int shift = err ? 0 : unit_shift(end);

	if (err == -EINVAL || shift < 0)
		return fail(EXIT_USAGE,
			    "%s '%s': not a size; give bytes, or a number with K, M, G or T", what,
			    text);
	if (err || *value > UINT64_MAX >> shift || *value << shift > max)
		return fail(EXIT_USAGE, "%s '%s': too large, at most %llu", what, text,
			    (unsigned long long)max);
	*value <<= shift;
	if (*value < min)
		return fail(EXIT_USAGE, "%s '%s': too small, at least %llu", what, text,
			    (unsigned long long)min);
	return 0;
}

static int bad_address(const char *what, const char *text)
{
	return fail(EXIT_USAGE,
		    "%s '%s': not ADDR:PORT with a numeric address, like 10.0.0.1:5000 or "
		    "[::1]:5000",
		    what, text);
}

int parse_address(const char *what, const char *text, struct sockaddr_storage *addr)
{
	static const struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
	};
	bool v6 = text[0] == '[';
	const char *start = v6 ? text + 1 : text;
	const char *end = strchr(start, v6 ? ']' : ':');
	const char *colon = v6 && end ? end + 1 : end;
	struct addrinfo *found;
	const char *scope;
	const char *rest;
	char host[64];
	uint64_t port;

	memset(addr, 0, sizeof(*addr));
	if (!v6 && end && strchr(end + 1, ':'))
		return fail(EXIT_USAGE, "%s '%s': write an IPv6 address in brackets: [::1]:5000",
			    what, text);
	if (!end || *colon != ':' || end == start || (size_t)(end - start) >= sizeof(host))
		return bad_address(what, text);
	if (digits(colon + 1, &port, &rest) || *rest || port > UINT16_MAX)
		return fail(EXIT_USAGE, "%s '%s': the port must be a number from 0 to 65535", what,
			    text);
	memcpy(host, start, (size_t)(end - start));
	host[end - start] = '\0';
	if (!v6 && !strcmp(host, "*"))
		strcpy(host, "0.0.0.0");
	scope = v6 ? strchr(host, '%') : NULL;
	if (scope && scope[1] && strspn(scope + 1, "0123456789") != strlen(scope + 1) &&
	    !if_nametoindex(scope + 1))
		return fail(EXIT_USAGE,
			    "%s '%s': no interface '%s'; 'devmemctl dev show' lists them", what,
			    text, scope + 1);
	if (getaddrinfo(host, colon + 1, &hints, &found))
		return bad_address(what, text);
	if (v6 == (found->ai_family == AF_INET6))
		memcpy(addr, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	if (!addr->ss_family)
		return bad_address(what, text);
	if (v6 && IN6_IS_ADDR_V4MAPPED(&((const struct sockaddr_in6 *)addr)->sin6_addr))
		return fail(EXIT_USAGE, "%s '%s': write an IPv4 address as such: 10.0.0.1:5000",
			    what, text);
	return 0;
}

socklen_t address_len(const struct sockaddr_storage *addr)
{
	return addr->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
					   : sizeof(struct sockaddr_in);
}

void format_address(char buf[ADDRESS_TEXT_MAX], const struct sockaddr_storage *addr)
{
	char host[64];
	char port[8];

	if (getnameinfo((const struct sockaddr *)addr, address_len(addr), host, sizeof(host), port,
			sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV)) {
		snprintf(buf, ADDRESS_TEXT_MAX, "?");
		return;
	}
	snprintf(buf, ADDRESS_TEXT_MAX, addr->ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host,
		 port);
}

static bool matches_all(const struct sockaddr_storage *addr)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)addr;
	const struct sockaddr_in *in = (const struct sockaddr_in *)addr;

	if (addr->ss_family == AF_INET6)
		return IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr) && !in6->sin6_port;
	return in->sin_addr.s_addr == htonl(INADDR_ANY) && !in->sin_port;
}

int check_flow(const char *what, const struct devmem_flow *flow)
{
	if (flow->src.ss_family && flow->src.ss_family != flow->dst.ss_family)
		return fail(EXIT_USAGE, "%s mix IPv4 and IPv6", what);
	if (matches_all(&flow->dst))
		return fail(EXIT_USAGE,
			    "%s: any address and any port would match all TCP packets; give one "
			    "of the two",
			    what);
	return 0;
}

int parse_flow(const char *what, const char *text, struct flow_target *target)
{
	char ends[2 * ADDRESS_TEXT_MAX];
	char *queue;
	char *src;
	char *dst_end;
	uint64_t value;

	memset(target, 0, sizeof(*target));
	if (strlen(text) >= sizeof(ends))
		return bad_address(what, text);
	strcpy(ends, text);
	/* Brackets hold an interface's name, which may have either character. */
	queue = strrchr(ends, '=');
	if (queue && !strchr(queue, ']')) {
		*queue++ = '\0';
		if (parse_uint("queue of --flow", queue, 0, UINT16_MAX, &value))
			return EXIT_USAGE;
		target->has_queue = true;
		target->queue = (uint32_t)value;
	}
	dst_end = ends[0] == '[' ? strchr(ends, ']') : ends;
	src = dst_end ? strchr(dst_end, ',') : NULL;
	if (src)
		*src++ = '\0';
	if (parse_address(what, ends, &target->flow.dst) ||
	    (src && parse_address(what, src, &target->flow.src)))
		return EXIT_USAGE;
	snprintf(ends, sizeof(ends), "%s '%s': the two ends", what, text);
	if (target->flow.src.ss_family && target->flow.src.ss_family != target->flow.dst.ss_family)
		return check_flow(ends, &target->flow);
	snprintf(ends, sizeof(ends), "%s '%s'", what, text);
	return check_flow(ends, &target->flow);
}

static int add_queue(const char *what, const char *text, struct queue_list *queues, uint64_t id)
{
	for (size_t i = 0; i < queues->n; i++)
		if (queues->id[i] == id)
			return fail(EXIT_USAGE, "%s '%s': queue %llu is there twice", what, text,
				    (unsigned long long)id);
	if (queues->n == QUEUES_MAX)
		return fail(EXIT_USAGE, "%s '%s': more than %d queues", what, text, QUEUES_MAX);
	queues->id[queues->n++] = (uint32_t)id;
	return 0;
}

int parse_queues(const char *what, const char *text, struct queue_list *queues)
{
	const char *at = text;

	queues->n = 0;
	for (;;) {
		uint64_t first;
		uint64_t last;
		int err = digits(at, &first, &at);

		if (err)
			goto bad;
		last = first;
		if (*at == '-' && digits(at + 1, &last, &at))
			goto bad;
		if (last > UINT16_MAX)
			return fail(EXIT_USAGE, "%s '%s': no interface has a queue %llu", what,
				    text, (unsigned long long)last);
		if (last < first)
			return fail(EXIT_USAGE, "%s '%s': %llu-%llu is the wrong way round", what,
				    text, (unsigned long long)first, (unsigned long long)last);
		for (uint64_t id = first; id <= last; id++)
			if (add_queue(what, text, queues, id))
				return EXIT_USAGE;
		if (!*at)
			return 0;
		if (*at++ != ',')
			goto bad;
	}
bad:
	return fail(EXIT_USAGE, "%s '%s': not a list of queues, like 3 or 1,3-5", what, text);
}
