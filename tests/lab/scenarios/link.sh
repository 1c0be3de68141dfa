# SPDX-License-Identifier: BSD-3-Clause
# description: the interface goes down and up in the middle of a stream; binding while it is down
# set: core 7.x
# timeout: 120

snapshot start
random_file /tmp/sent 24M
before=$(landed)
start_recv flap $NIC4:5000 --region udmabuf:huge=no --size 16M
peer socat -u OPEN:/tmp/sent TCP4:$NIC4:5000 &
sender=$!
wait_landed "$before" 1000000
ip link set $NIC down
sleep 0.5
ip link set $NIC up
ip addr show dev $NIC | grep -q "$NIC6" || ip addr add $NIC6/64 dev $NIC nodad
wait $sender
received flap /tmp/sent "flap"
unchanged start "the NIC is as it was"

# binding while it is down: Linux 7.x keeps it for later, 6.12 leaves it to the driver
ip link set $NIC down
if [ $LAB_KERNEL = 7.x ]; then
	spawn bound devmemctl bind rx $NIC --queues 3 --region udmabuf --size 4M --steer
	check "a queue can be bound while the interface is down" wait_for 10 test -s $OUT/bound.out
	ip link set $NIC up
	check "and is bound when it is up" sh -c "devmemctl queue show $NIC -j | jq -e '[.. | .binding? // empty] | length == 1'"
	signal bound TERM
	finish bound 10
else
	expect_err 2 "Network is down" devmemctl bind rx $NIC --queues 3 --region udmabuf --size 4M --steer
	ip link set $NIC up
fi
ip addr show dev $NIC | grep -q "$NIC6" || ip addr add $NIC6/64 dev $NIC nodad
unchanged start "the NIC is as it was"
