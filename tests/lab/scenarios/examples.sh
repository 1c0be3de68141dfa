# SPDX-License-Identifier: BSD-3-Clause
# description: the examples, run as their comments say
# set: core 7.x
# timeout: 90
# hugepages: 40

snapshot start
random_file /tmp/sent 3M

spawn receive receive $NIC $NIC4 5000
wait_listen 5000
send_file /tmp/sent $NIC4:5000
finish receive 20
equal "receive: ends with the stream" $? 0
equal "receive: every byte, in device memory" "$(awk '{ n += $1 } END { print n }' $OUT/receive.out)" 3145728
equal "receive: nothing on stderr" "$(cat $OUT/receive.err)" ""
unchanged start "the NIC is as it was"

spawn interrupted receive $NIC $NIC4 5000
# in accept(2), number 43: a signal just before that would be lost, because the example's handler does nothing
check "receive: waits for a connection" wait_for 20 grep -q "^43 " "/proc/$(pid_of interrupted)/syscall"
signal interrupted INT
finish interrupted 10
check "receive: interrupted while it waits, it fails" test $? -eq 1
contains "receive: and says why" $OUT/interrupted.err "Interrupted system call"
unchanged start "the NIC is as it was"
expect_err 1 "nosuch0" receive nosuch0 $NIC4 5000

spawn place place $NIC4 5001
wait_listen 5001
send_file /tmp/sent $NIC4:5001
finish place 20
equal "place: ends with the stream" $? 0
check "place: every byte" cmp /tmp/sent $OUT/place.out

spawn epoll epoll $NIC4 5002
wait_listen 5002
send_file /tmp/sent $NIC4:5002 &
send_file /tmp/sent $NIC4:5002
wait $!
check "epoll: two streams, every byte" wait_for 20 sh -c "[ \$(grep -c '^3145728 bytes' $OUT/epoll.err) -eq 2 ]"

start_sink 0 $PEER4
send $NIC $PEER4 5000 </tmp/sent >$OUT/send.out 2>$OUT/send.err
equal "send: ends well" $? 0
finish sink0 20
equal "send: its receiver, too" $? 0
check "send: every byte" cmp /tmp/sent /tmp/got.0
equal "send: nothing on stderr" "$(cat $OUT/send.err)" ""
unchanged start "the NIC is as it was"
start_sink 0 $PEER4
expect_err 1 "nosuch0" send nosuch0 $PEER4 5000 </tmp/sent
finish sink0 20

echo | import /dev/dma_heap/dmbar0 $NIC 1 >$OUT/import.out 2>&1
equal "import: memory of the device" $? 0
contains "import: of its size" $OUT/import.out "16777216 bytes"
contains "import: bound" $OUT/import.out "bound to queue 1 of $NIC"
unchanged start "the NIC is as it was"
