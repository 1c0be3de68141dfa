# SPDX-License-Identifier: BSD-3-Clause
# description: a receiver that releases nothing starves the NIC, notices it, and recovers; a small region; closing a binding under traffic
# set: core 7.x
# timeout: 180

value()
{
	awk -v n="$2" '$1 == n { print $2 }' $OUT/$1.out
}

snapshot start
random_file /tmp/sent 16M
spawn starve /lab/bin/hold $NIC 3 5000 starve 4194304
check "set up" wait_text $OUT/starve.out ready
peer socat -u OPEN:/tmp/sent TCP4:$NIC4:5000 &
wait $!
finish starve 90
equal "it ends well" $? 0
show $OUT/starve.err
note "$(cat $OUT/starve.out)"
between "it was starved" "$(value starve starved_at)" 100000 4194304
check "and the NIC counted it" test "$(value starve alloc_fail)" -gt 0
equal "then every byte arrived" "$(sha256 $OUT/stream)" "$(sha256 /tmp/sent)"
equal "nothing is held at the end" "$(value starve held)" 0
equal "every token that was returned was out" "$(value starve missing)" 0
unchanged start "the NIC is as it was"

spawn unbind /lab/bin/hold $NIC 3 5000 unbind 16777216
check "set up" wait_text $OUT/unbind.out ready
peer socat -u OPEN:/tmp/sent TCP4:$NIC4:5000 &
wait $!
finish unbind 60
equal "closing the binding under traffic ends well" $? 0
show $OUT/unbind.err
note "$(cat $OUT/unbind.out)"
equal "every byte arrived" "$(sha256 $OUT/stream)" "$(sha256 /tmp/sent)"
check "first in device memory" test "$(value unbind bytes_device)" -gt 4000000
check "then in host memory" test "$(value unbind bytes_host)" -gt 4000000
# as much as one receive can bring, up to recv_max
between "which comes in fragments of megabytes" "$(value unbind host_max)" 2097152 4194304
unchanged start "the NIC is as it was"

# a pool of less than a megabyte: slow, but it never hangs
stream small $NIC4:5000 4M --region udmabuf:huge=no --size 1M
# everything held in a region that is too small for it: an error, and no hang
start_recv hold $NIC4:5000 --region udmabuf:huge=no --size 2M --hold
peer timeout 60 socat -u OPEN:/tmp/sent TCP4:$NIC4:5000
finish hold 60
equal "holding too much is refused" $? 2
contains "and the message says why" $OUT/hold.err "region"
unchanged start "the NIC is as it was"
