# SPDX-License-Identifier: BSD-3-Clause
# description: sending needs no privilege; errors name the interfaces of a connection and a binding that don't match, also after a route moved
# kernels: 7.x
# bar: 16M
# timeout: 120

size=$((256 << 10))

# --- without any privilege
nobody="setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all --bounding-set=-all"
# shellcheck disable=SC2086 # a command
start_sender $nobody
answers "EACCES *" region heap:dmbar0 $size
says /dev/dma_heap/dmbar0
chmod 666 /dev/dma_heap/dmbar0
must region heap:dmbar0 $size
answers "ok device *" bind tx $NIC
start_conn 0 $PEER4
must send 0 1+100000
end_conn 0 "as nobody"
equal "it was nobody" "$(stat -c %u /tmp/want.0)" 65534
end_sender
random_file /tmp/sent 300000
start_sink 0 $PEER4
# shellcheck disable=SC2086 # a command
spawn nobody $nobody devmemctl send $NIC --connect $PEER4:5000 --region heap:dmbar0 --size 1M --input /tmp/sent -j
finish nobody 20
equal "devmemctl send as nobody" "$? $(field nobody mode)" "0 device"
finish sink0 20
check "its bytes" cmp /tmp/sent /tmp/got.0
chmod 600 /dev/dma_heap/dmbar0
# without access to the memory either: region and binding come from a launcher
# shellcheck disable=SC2086 # a command
start_sender devmemctl bind tx $NIC --region heap:dmbar0 --size 256K -- $nobody
answers "ok $NIC" inherit
start_conn 0 $PEER4
answers "ok 100000 *" send 0 1+100000
equal "the NIC reads it itself" "$(tx_stat 0 bytes_device)" 100000
end_conn 0 "from an inherited binding"
end_sender
equal "the launcher ends well" $? 0
rm -f /tmp/want.*

# --- what can't be bound
start_sender
must region memfd $size
answers "EINVAL *" bind tx $NIC
says memfd
end_sender
start_sender
must region heap:dmbar0 $size
answers "EOPNOTSUPP lo: *" bind tx lo
# an interface whose offloads are off: the kernel would drop each packet
ethtool -K $NIC sg off >/dev/null
answers "EOPNOTSUPP *" bind tx $NIC
says "ethtool -K $NIC sg on"
answers "ok plain *" bind plain $NIC
must unbind
ethtool -K $NIC sg on tso on gso on >/dev/null
# a binding on receive queues
ethtool -G $NIC tcp-data-split on
answers "ok *" bind rx $NIC 3
start_sink 0 $PEER4
must connect 0 $PEER4 5000
answers "EINVAL *" open 0
note "$ANSWER"
must unbind
ethtool -G $NIC tcp-data-split off

# --- another interface than the binding's
must bind tx $NIC
answers ok open 0
must close 0 drain 0
must end 0
finish sink0
spawn local socat -u TCP4-LISTEN:6000,bind=$NIC4 OPEN:/dev/null
wait_listen 6000
must connect 0 $NIC4 6000
answers "ENODEV *" open 0
says "through lo," "bound to $NIC"
must end 0
finish local
modprobe veth
ip link add veth0 type veth peer name veth1 netns peer
ip addr add 10.1.0.1/24 dev veth0
ip link set veth0 up
peer ip addr add 10.1.0.2/24 dev veth1
peer ip link set veth1 up
start_sink 0 10.1.0.2
must connect 0 10.1.0.2 5000
answers "ENODEV *" open 0
says "through veth0," "bound to $NIC"
# the socket is as it was: an ordinary one
must write 0 0+5000
must end 0
finish sink0
check "an ordinary send still works on it" cmp /tmp/want.0 /tmp/got.0

# --- a route that moves
start_conn 0 $PEER4
start_sink 1 $PEER4
must connect 1 $PEER4 5001
must open 1 keep
for i in 0 1; do
	must send $i 0+50000
	answers ok wait $i all 30000
done
ip route add $PEER4/32 dev veth0
must write 1 0+1000
check "ordinary sends use the new route" wait_for 20 sh -c "[ \$(cat /sys/class/net/veth0/statistics/tx_bytes) -gt 1000 ]"
answers "ENODEV *" send 1 0+1000
says "through veth0," "bound to $NIC"
must send 0 3+60000
answers ok wait 0 all 30000
ip route del $PEER4/32 dev veth0
must write 1 0+1000
answers "ok *" send 1 5+70000
end_conn 0 "bound to the interface, no route moves it"
end_conn 1 "back on the route"
end_sender
equal "the sender ends well" $? 0
