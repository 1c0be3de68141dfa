# SPDX-License-Identifier: BSD-3-Clause
# description: everything is put back, on signals by the command, after kill -9 by the watcher; the queue can be bound again at once
# set: core 7.x
# timeout: 150

snapshot start
random_file /tmp/sent 64M
bound()
{
	devmemctl queue show $NIC -j | jq -e '[.. | .binding? // empty] | length > 0' >/dev/null
}
unbound()
{
	! bound
}

for sig in INT TERM HUP; do
	start_recv wait$sig $NIC4:5000 --region udmabuf:huge=no --size 16M
	check "$sig: bound" bound
	signal wait$sig $sig
	finish wait$sig 10
	rc=$?
	equal "$sig while listening: status" $rc $((128 + $(kill -l $sig)))
	unchanged start "$sig while listening: the NIC is as it was"
	before=$(landed)
	start_recv flow$sig $NIC4:5000 --region udmabuf:huge=no --size 16M
	peer socat -u OPEN:/dev/zero TCP4:$NIC4:5000 2>/dev/null &
	sender=$!
	wait_landed "$before" 1000000
	signal flow$sig $sig
	finish flow$sig 10
	equal "$sig in the stream: status" $? $((128 + $(kill -l $sig)))
	unchanged start "$sig in the stream: the NIC is as it was"
	check "$sig in the stream: bytes had come" test "$(field flow$sig bytes_device)" -gt 0
	kill $sender 2>/dev/null
	wait $sender
done

# SIGKILL in the stream
before=$(landed)
start_recv killed $NIC4:5000 --region udmabuf:huge=no --size 16M
peer socat -u OPEN:/dev/zero TCP4:$NIC4:5000 2>/dev/null &
sender=$!
wait_landed "$before" 1000000
signal killed KILL
finish killed 10
check "the binding is gone" wait_for 10 unbound
wait $sender
check "binding again works at once" timeout 20 devmemctl bind rx $NIC --queues 3 --region udmabuf --size 4M --steer -- true
unchanged start "the NIC is as it was"
stream after $NIC4:5000 4M --region udmabuf --size 16M

# the peer dies: a reset is an error, with a message
start_recv reset $NIC4:5000 --region udmabuf:huge=no --size 16M
peer sh -c "socat -u OPEN:/dev/zero TCP4:$NIC4:5000,linger=0 & sleep 1; kill -9 \$!" 2>/dev/null
peer ss -K dst $NIC4 2>/dev/null
finish reset 20
rc=$?
check "the peer's death ends it (status $rc)" test $rc -eq 0 -o $rc -eq 2
unchanged start "the NIC is as it was"
