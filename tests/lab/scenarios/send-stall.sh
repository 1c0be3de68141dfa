# SPDX-License-Identifier: BSD-3-Clause
# description: receivers that stall or die: back-pressure, errors that name the limit, nothing lost, and everything completes
# kernels: 7.x
# bar: 16M
# timeout: 150

size=$((1 << 20))
start_sender
must region heap:dmbar0 $size
must bind tx $NIC

# --- the receiver stalls
stalled_conn 0 $PEER4
fill_up 0 50000
answers "EAGAIN 0 *" fill 0 50000 1
says "send buffer is full"
answers "ETIMEDOUT *" wait 0 all 300
answers "ETIMEDOUT *" close 0 drain 100
answers "ok 1 *" flight 0 0+$size
check "it is counted" test "$(tx_stat 0 full_socket)" -ge 2
check "and what is in flight" test "$(tx_stat 0 in_flight_bytes)" -gt 50000
tell send 0 7+1000001
signal sink0 CONT
hear
equal "a send that waited goes on" "${ANSWER% *}" "ok 1000001"
answers ok wait 0 all 30000
answers "ok 0" flight 0 0+$size
end_conn 0 "after a stall"

# a list, on a descriptor that doesn't block: the library waits, and goes on in the middle of a range
start_sink 0 $PEER4 rcvbuf=16384
signal sink0 STOP
must connect 0 $PEER4 5000 nonblock
must open 0
fill_up 0 50000
tell send 0 9+300000 100+1 400001+200000 3+77
signal sink0 CONT
hear
equal "a list that waited goes on" "${ANSWER% *}" "ok 500078"
check "in parts" test "$(tx_stat 0 sends_partial)" -ge 1
end_conn 0 "a list after a stall"

# --- as many in flight as the sender has room for
stalled_conn 0 $PEER4 sends=2
fill_up 0 10000
answers "ENOBUFS 0 *" fill 0 1000 1
says sends_max
check "it is counted" test "$(tx_stat 0 full_in_flight)" -ge 2
equal "and what is in flight" "$(tx_stat 0 in_flight_sends)" 2
signal sink0 CONT
answers "ok *" threads 100000 1000
answers "ok *" poll 100000 1000
equal "never more than that" "$(tx_stat 0 in_flight_sends_max)" 2
end_conn 0 "two sends at once"

# --- as many as the kernel has notifications for: acknowledgements come late, and each send needs a notification of its own
optmem=$(sysctl -n net.core.optmem_max)
modprobe sch_netem
peer tc qdisc add dev $PEER root netem delay 100ms
sysctl -qw net.core.optmem_max=4096
start_conn 0 $PEER4
answers "ENOBUFS *" fill 0 1448 100
says net.core.optmem_max
check "counted" test "$(tx_stat 0 full_notifications)" -ge 1
answers "ok *" threads 40000 1000
answers "ok *" poll 40000 1000
peer tc qdisc del dev $PEER root
sysctl -qw net.core.optmem_max="$optmem"
end_conn 0 "few notifications"

# --- the receiver dies
stalled_conn 0 $PEER4
fill_up 0 50000
signal sink0 KILL
finish sink0
answers ok wait 0 all 30000
ask send 0 0+1000
check "a send says that the connection is over" test "${ANSWER%% *}" = ECONNRESET -o "${ANSWER%% *}" = EPIPE
note "$ANSWER"
answers "EPIPE *" send 0 0+1000
equal "everything completed" "$(tx_stat 0 in_flight_sends) $(tx_stat 0 sends_completed)" "0 $(tx_stat 0 sends)"
must close 0 drain 0
must end 0
# while a send waits
stalled_conn 0 $PEER4
fill_up 0 50000
tell send 0 0+$size
signal sink0 KILL
finish sink0
hear
check "a send that waits ends" test "${ANSWER%% *}" = ECONNRESET -o "${ANSWER%% *}" = EPIPE -o "${ANSWER%% *}" = ok
note "$ANSWER"
answers ok wait 0 all 30000
must close 0 drain 0
must end 0
end_sender
equal "the sender ends well" $? 0
equal "the memory is free again" "$(bar_regions dmbar0)" ""
