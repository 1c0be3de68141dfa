# SPDX-License-Identifier: BSD-3-Clause
# description: sending and receiving on one connection at the same time, both in device memory: on one thread with poll, and on two that wait
# kernels: 7.x
# bar: 16M
# smp: 2
# timeout: 120

value()
{
	awk -v n="$2" '$1 == n { print $2 }' $OUT/$1.out
}

snapshot start
for mtu in 1500 9000; do
	ip link set $NIC mtu $mtu && peer ip link set $PEER mtu $mtu || die "MTU $mtu"
	for way in poll threads; do
		name=$way$mtu
		spawn $name duplex $way $NIC 3 5000 12
		check "$name: set up" wait_text $OUT/$name.out ready
		spawn echo ip netns exec peer socat TCP4:$NIC4:5000 EXEC:cat
		finish $name 60
		equal "$name: every byte comes back" $? 0
		show $OUT/$name.err
		finish echo 20
		equal "$name: all of it" "$(value $name received) $(value $name sent_device)" "$((12 << 20)) $((12 << 20))"
		between "$name: into device memory" "$(value $name received_device)" $((11 << 20)) $((12 << 20))
		equal "$name: all sends complete, none copied" "$(value $name completed) $(value $name copied)" "$(value $name sends) 0"
		sed -n '2,$p' $OUT/$name.out | tr '\n' ' ' | sed 's/^/# /; s/$/\n/'
	done
done
ip link set $NIC mtu 1500 && peer ip link set $PEER mtu 1500
unchanged start "the NIC is as it was"
