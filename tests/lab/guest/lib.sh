# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# The functions of scenarios. Every check prints one TAP line; the scenario's exit status follows from them.

NIC=eth1
PEER=peer1
NIC4=10.0.0.1
NIC6=fd00::1
PEER4=10.0.0.2
PEER6=fd00::2
OUT=/out
LAB_RUN=/run/lab

mkdir -p $LAB_RUN/jobs $OUT

# --- results -----------------------------------------------------------------------------------------------------

ok()
{
	echo ok >>$LAB_RUN/results
	echo "ok - $*"
}

fail()
{
	echo fail >>$LAB_RUN/results
	echo "not ok - $*"
}

note()
{
	echo "# $*"
}

# what was in FILE, as comments
show()
{
	sed 's/^/#   /' "$1" | tail -n 40
}

# ends the scenario here: a step failed that all others need
die()
{
	fail "$*"
	exit 1
}

# ends the scenario: what it tests does not exist here
skip()
{
	[ ! -s $LAB_RUN/results ] || die "skipped after checks had run: $*"
	echo "skip - $*"
	trap - EXIT
	exit 77
}

# exit status of a scenario: runs at its end through the trap that the runner sets
scenario_end()
{
	local status=$? passed failed

	passed=$(grep -c '^ok' $LAB_RUN/results 2>/dev/null)
	failed=$(grep -c '^fail' $LAB_RUN/results 2>/dev/null)
	if [ $status -ne 0 ] && [ "${failed:-0}" -eq 0 ]; then
		echo "not ok - the scenario's script ended with status $status"
		failed=1
	elif [ "${passed:-0}" -eq 0 ] && [ "${failed:-0}" -eq 0 ]; then
		echo "not ok - the scenario checked nothing"
		failed=1
	fi
	echo "lab: ${passed:-0} checks passed, ${failed:-0} failed"
	[ "${failed:-0}" -eq 0 ] || exit 1
	exit 0
}

# --- checks ------------------------------------------------------------------------------------------------------

# check WHAT CMD...: passes when CMD succeeds; its output is shown only when it fails
check()
{
	local what="$1" rc

	shift
	"$@" >$LAB_RUN/check.out 2>&1
	rc=$?
	if [ $rc -eq 0 ]; then
		ok "$what"
		return 0
	fi
	fail "$what"
	note "status $rc from: $*"
	show $LAB_RUN/check.out
	return 1
}

# check_not WHAT CMD...: passes when CMD fails with an ordinary status (no signal, not "command not found")
check_not()
{
	local what="$1" rc

	shift
	"$@" >$LAB_RUN/check.out 2>&1
	rc=$?
	if [ $rc -ne 0 ] && [ $rc -lt 126 ]; then
		ok "$what"
		return 0
	fi
	fail "$what"
	note "status $rc from: $*"
	show $LAB_RUN/check.out
	return 1
}

# equal WHAT GOT WANT
equal()
{
	if [ "$2" = "$3" ]; then
		ok "$1"
		return 0
	fi
	fail "$1"
	note "got:  $2"
	note "want: $3"
	return 1
}

# between WHAT GOT LOW HIGH: whole numbers
between()
{
	if [ "$2" -ge "$3" ] 2>/dev/null && [ "$2" -le "$4" ] 2>/dev/null; then
		ok "$1 ($2)"
		return 0
	fi
	fail "$1"
	note "got $2, want $3 to $4"
	return 1
}

# contains WHAT FILE TEXT: some line of FILE has TEXT, literally, in it
contains()
{
	if grep -qF -e "$3" "$2"; then
		ok "$1"
		return 0
	fi
	fail "$1"
	note "no \"$3\" in $2:"
	show "$2"
	return 1
}

# expect_rc RC CMD...: CMD ends with exactly that status
expect_rc()
{
	local want="$1" rc

	shift
	"$@" >$LAB_RUN/check.out 2>&1
	rc=$?
	if [ $rc -eq "$want" ]; then
		ok "status $want: $*"
		return 0
	fi
	fail "status $want: $*"
	note "got status $rc"
	show $LAB_RUN/check.out
	return 1
}

# expect_err RC TEXT CMD...: CMD ends with status RC, prints one line on stderr that has TEXT in it, and nothing on
# stdout. The line is kept in $ERR.
expect_err()
{
	local want="$1" text="$2" rc lines what

	shift 2
	what="status $want and \"$text\": $*"
	"$@" >$LAB_RUN/err.out 2>$LAB_RUN/err.err
	rc=$?
	ERR=$(cat $LAB_RUN/err.err)
	lines=$(wc -l <$LAB_RUN/err.err)
	if [ $rc -eq "$want" ] && [ "$lines" -eq 1 ] && [ ! -s $LAB_RUN/err.out ] &&
		grep -qF -e "$text" $LAB_RUN/err.err; then
		ok "$what"
		note "$ERR"
		return 0
	fi
	fail "$what"
	note "got status $rc, $lines lines on stderr, $(wc -c <$LAB_RUN/err.out) bytes on stdout"
	show $LAB_RUN/err.err
	show $LAB_RUN/err.out
	return 1
}

# --- the other host ----------------------------------------------------------------------------------------------

# peer CMD...: runs CMD on the other host
peer()
{
	ip netns exec peer "$@"
}

# names and addresses of the NIC's two ports; again after a reload of the module
nic_up()
{
	ip netns list | grep -q '^peer' || ip netns add peer
	ip link set dms0 name $NIC &&
		ip link set dms1 netns peer name $PEER &&
		ip link set $NIC mtu "$LAB_MTU" up &&
		peer ip link set $PEER mtu "$LAB_MTU" up &&
		ip addr add $NIC4/24 dev $NIC &&
		ip addr add $NIC6/64 dev $NIC nodad &&
		peer ip link set lo up &&
		peer ip addr add $PEER4/24 dev $PEER &&
		peer ip addr add $PEER6/64 dev $PEER nodad
}

# --- waiting -----------------------------------------------------------------------------------------------------

# wait_for SECONDS CMD...: waits until CMD succeeds; fails after SECONDS, times the scale that was given for a slow machine
wait_for()
{
	local seconds=$(($1 * LAB_TIMEOUT_SCALE)) end

	shift
	end=$(($(cut -d. -f1 /proc/uptime) + seconds))
	while ! "$@" >/dev/null 2>&1; do
		if [ "$(cut -d. -f1 /proc/uptime)" -gt $end ]; then
			note "waited $seconds s in vain for: $*"
			return 1
		fi
		sleep 0.05
	done
}

listening()
{
	[ -n "$(ss -Hltn "sport = :$1")" ]
}

# wait_listen PORT [SECONDS]: waits until a socket listens on this host
wait_listen()
{
	wait_for "${2:-20}" listening "$1"
}

# wait_text FILE TEXT [SECONDS]: waits until FILE has TEXT in it
wait_text()
{
	wait_for "${3:-20}" grep -qF -e "$2" "$1"
}

# --- background jobs ---------------------------------------------------------------------------------------------

# spawn NAME CMD...: runs CMD in the background, stdout to $OUT/NAME.out, stderr to .err; killed when the scenario ends
spawn()
{
	local name="$1"

	shift
	"$@" >"$OUT/$name.out" 2>"$OUT/$name.err" </dev/null &
	echo $! >"$LAB_RUN/jobs/$name"
}

# pid_of NAME
pid_of()
{
	cat "$LAB_RUN/jobs/$1"
}

running()
{
	local state

	state=$(sed 's/.*) //; s/ .*//' "/proc/$(pid_of "$1")/stat" 2>/dev/null)
	[ -n "$state" ] && [ "$state" != Z ]
}

stopped()
{
	! running "$1"
}

# finish NAME [SECONDS]: waits for the job's end; its exit status, or 124 when it had to be killed
finish()
{
	local pid

	pid=$(pid_of "$1")
	if ! wait_for "${2:-30}" stopped "$1"; then
		kill -9 "$pid"
		wait "$pid"
		rm -f "$LAB_RUN/jobs/$1"
		return 124
	fi
	rm -f "$LAB_RUN/jobs/$1"
	wait "$pid"
}

# signal NAME SIGNAL
signal()
{
	kill -"$2" "$(pid_of "$1")"
}

stop_all()
{
	local job

	for job in "$LAB_RUN"/jobs/*; do
		[ -e "$job" ] || continue
		kill -9 "$(cat "$job")" 2>/dev/null
		rm -f "$job"
	done
}

# --- the NIC -----------------------------------------------------------------------------------------------------

# dmsim NAME [VALUE]: reads or sets a parameter of the NIC's module
dmsim()
{
	if [ $# -eq 1 ]; then
		cat "/sys/module/dmsim/parameters/$1"
	else
		echo "$2" >"/sys/module/dmsim/parameters/$1"
	fi
}

# nic_stat NAME [DEV]: one counter of ethtool -S
nic_stat()
{
	ethtool -S "${2:-$NIC}" | awk -v n="$1:" '$1 == n { print $2 }'
}

nic_state()
{
	local what

	for what in -x -n -g -l -k; do
		echo "== ethtool $what $NIC"
		ethtool $what $NIC 2>&1
	done
	echo "== hds-thresh $(hds $NIC 2>&1)"
	# ethtool has no list of RSS contexts: any that a scenario leaves behind would have one of these numbers
	for what in 1 2; do
		echo "== ethtool -x $NIC context $what"
		ethtool -x $NIC context $what 2>&1
	done
	ip -o link show $NIC | sed 's/.*mtu/mtu/'
}

# snapshot NAME: saves RSS, rules, rings, channels and features of the NIC
snapshot()
{
	nic_state >"$LAB_RUN/snapshot.$1"
}

# unchanged NAME WHAT: passes when the NIC is as it was at that snapshot
unchanged()
{
	nic_state >"$LAB_RUN/snapshot.now"
	if diff -u "$LAB_RUN/snapshot.$1" "$LAB_RUN/snapshot.now" >$LAB_RUN/check.out; then
		ok "$2"
		return 0
	fi
	fail "$2"
	show $LAB_RUN/check.out
	return 1
}

# --- device memory -----------------------------------------------------------------------------------------------

# bar_regions HEAP: what is allocated from the memory behind heap:HEAP, one "OFFSET LENGTH" a line
bar_regions()
{
	cat "$(bar_sysfs "$1")/regions"
}

bar_sysfs()
{
	local file

	file=$(grep -lx "$1" /sys/bus/pci/drivers/dmbar/0000:*/heap) || die "no device with heap:$1"
	echo "${file%/heap}"
}

# bar_last HEAP: the offset of the region that was allocated there last
bar_last()
{
	local dir

	dir=$(bar_sysfs "$1")
	dmesg | sed -n "s/.*dmbar ${dir##*/}: alloc off=\(0x[0-9a-f]*\) .*/\1/p" | tail -n 1
}

# --- users of reservations ---------------------------------------------------------------------------------------

# users: starts the program that runs many users (guest/reserve.c, -c); their messages are in $OUT/users.err
users()
{
	coproc USERS { exec reserve -c 2>>"$OUT/users.err"; }
}

# user COMMAND...: sends it a command; its answer is in $ANSWER
user()
{
	echo "$*" >&"${USERS[1]}" && read -r -t 60 ANSWER <&"${USERS[0]}" && return 0
	show "$OUT/users.err"
	die "no answer to: $*"
}

# --- sending -----------------------------------------------------------------------------------------------------

# start_sender [COMMAND...]: starts the program that sends (guest/sender.c), by way of COMMAND; its messages are in
# $OUT/sender.err
start_sender()
{
	coproc SENDER { exec "$@" sender 2>>"$OUT/sender.err"; }
}

# tell COMMAND...: sends it a command; hear: waits for its answer, which is then in $ANSWER
tell()
{
	# it is unset when the program has ended
	if [ -n "${SENDER[1]:-}" ]; then
		echo "$*" >&"${SENDER[1]}"
	fi
}

hear()
{
	if [ -n "${SENDER[0]:-}" ]; then
		read -r -t $((60 * LAB_TIMEOUT_SCALE)) ANSWER <&"${SENDER[0]}" && return 0
	fi
	show "$OUT/sender.err"
	die "the sender gives no answer"
}

# ask COMMAND...: sends a command and waits for the answer
ask()
{
	tell "$@"
	hear
}

# answers PATTERN COMMAND...: passes when the answer matches PATTERN
answers()
{
	local pattern="$1" what="${*:2}"

	ask "${@:2}"
	# shellcheck disable=SC2053 # a pattern
	if [[ $ANSWER == $pattern ]]; then
		ok "sender: ${what:0:60}: ${ANSWER:0:200}"
		return 0
	fi
	fail "sender: $what"
	note "got:  $ANSWER"
	note "want: $pattern"
	return 1
}

# says TEXT...: passes when each TEXT is in the answer
says()
{
	local text

	for text; do
		[[ $ANSWER == *"$text"* ]] && continue
		fail "the sender says \"$text\""
		note "got:  $ANSWER"
		return 1
	done
	ok "the sender says why"
}

# must COMMAND...: ends the scenario unless the answer is "ok"
must()
{
	ask "$@"
	[[ $ANSWER == ok* ]] || die "sender: $*: $ANSWER"
}

# end_sender: closes its standard input; returns its exit status
end_sender()
{
	local pid=$SENDER_PID in=${SENDER[1]}

	exec {in}>&-
	wait "$pid"
}

# tx_stat N NAME: one counter of the sender on connection N
tx_stat()
{
	ask stats "$1"
	tr ' ' '\n' <<<"$ANSWER" | sed -n "s/^$2=//p"
}

peer_listening()
{
	[ -n "$(peer ss -Hltn "sport = :$1")" ]
}

# start_sink N ADDRESS [OPTION,...]: the peer receives one connection at port 5000 + N into /tmp/got.N
start_sink()
{
	local port=$((5000 + $1)) address="TCP4-LISTEN:$((5000 + $1)),bind=$2"

	[[ $2 != *:* ]] || address="TCP6-LISTEN:$port,bind=[$2]"
	rm -f "/tmp/got.$1"
	spawn "sink$1" ip netns exec peer socat -u -b 65536 "$address,reuseaddr${3:+,$3}" "OPEN:/tmp/got.$1,creat"
	wait_for 20 peer_listening $port || die "the peer does not listen on port $port"
}

# start_conn N ADDRESS [OPTION,...]: a sink, a connection to it, and a sender on that
start_conn()
{
	start_sink "$@"
	must connect "$1" "$2" $((5000 + $1))
	must open "$1"
}

# stalled_conn N ADDRESS OPTION...: a connection whose receiver reads nothing until it gets SIGCONT
stalled_conn()
{
	start_sink "$1" "$2" rcvbuf=16384
	signal "sink$1" STOP
	must connect "$1" "$2" $((5000 + $1))
	must open "$1" "${@:3}"
}

# shut N: the receive window of connection N is closed
shut()
{
	ss -Htno "dport = :$((5000 + $1))" | grep -q persist
}

fill_until_shut()
{
	ask fill "$1" "$2" 1000
	shut "$1"
}

# fill_up N SIZE: sends SIZE bytes at a time until a stalled receiver's window is closed, and then as many as there is room
# for: after that nothing moves
fill_up()
{
	wait_for 30 fill_until_shut "$1" "$2" || die "connection $1 does not stall"
	ask fill "$1" "$2" 1000
}

# end_conn N WHAT: passes when all sends of connection N become complete, and the peer got exactly the bytes that were sent
end_conn()
{
	answers ok wait "$1" all 30000
	ask completed "$1"
	equal "$2: all that was sent is complete" "${ANSWER% *}" "ok ${ANSWER##* }"
	must close "$1" drain 0
	must end "$1"
	finish "sink$1" 60
	equal "$2: the peer's end" $? 0
	check "$2: every byte ($(stat -c %s "/tmp/want.$1"))" cmp "/tmp/want.$1" "/tmp/got.$1"
}

# --- data --------------------------------------------------------------------------------------------------------

# payload: the random bytes that the host made (key "payload:"), on stdout
payload()
{
	head -c "$LAB_PAYLOAD_SIZE" "$LAB_PAYLOAD_DISK"
}

# sha256 [FILE]: the digest alone; without FILE of stdin
sha256()
{
	sha256sum ${1:+"$1"} | cut -d' ' -f1
}

# save FILE...: hands FILE to the host, as $LAB_OUT/NAME
save()
{
	cp "$@" $OUT/
}

# --- streams -----------------------------------------------------------------------------------------------------

# field NAME FIELD: the first FIELD, however deep, in the JSON that job NAME printed
field()
{
	jq -r "[.. | .$2? // empty] | .[0]" "$OUT/$1.out"
}

# start_recv NAME ADDR:PORT OPTION...: devmemctl receives one stream in the background; returns when it listens
start_recv()
{
	local name="$1" addr="$2"

	shift 2
	spawn "$name" devmemctl recv $NIC --listen "$addr" --once --sha256 -j "$@"
	wait_for 20 listening "${addr##*:}" && return 0
	fail "$name listens on $addr"
	show "$OUT/$name.err"
	return 1
}

# random_file FILE SIZE
random_file()
{
	head -c "$(numfmt --from=iec "$2" 2>/dev/null || echo "$2")" /dev/urandom >"$1"
}

# send_file FILE ADDR:PORT: from the peer, with socat
send_file()
{
	case $2 in
	'['*) peer socat -u "OPEN:$1" "TCP6:$2" ;;
	*) peer socat -u "OPEN:$1" "TCP4:$2" ;;
	esac
}

# landed: bytes of payload that the NIC has put into device memory so far
landed()
{
	nic_stat rx_devmem_bytes
}

landed_since()
{
	[ $(($(landed) - $1)) -ge "$2" ]
}

# wait_landed START BYTES: waits until BYTES more than START have landed
wait_landed()
{
	wait_for 30 landed_since "$1" "$2"
}

# received NAME FILE WHAT: passes when job NAME ended well and received exactly the bytes of FILE
received()
{
	local rc

	finish "$1" 60
	rc=$?
	if [ $rc -ne 0 ]; then
		fail "$3: ends well"
		note "status $rc"
		show "$OUT/$1.err"
		return 1
	fi
	equal "$3: every byte arrived" "$(field "$1" sha256)" "$(sha256 "$2")"
}

# stream NAME ADDR:PORT SIZE OPTION...: one random stream of SIZE bytes, received and compared
stream()
{
	local name="$1" addr="$2" size="$3"

	shift 3
	random_file "/tmp/$name.sent" "$size"
	start_recv "$name" "$addr" "$@" || return 1
	check "$name: the peer sends $size" send_file "/tmp/$name.sent" "$addr"
	received "$name" "/tmp/$name.sent" "$name"
}
