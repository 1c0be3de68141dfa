# SPDX-License-Identifier: BSD-3-Clause
# description: the lab's modules themselves: unloaded under traffic and while memory is used, loaded again, memory that cannot be mapped
# set: core 7.x
# dmbar: core_heap=0
# bar: 64M
# smp: 2
# timeout: 150

bar=$(echo /sys/bus/pci/drivers/dmbar/0000:*)
bar=${bar##*/}
regions=/sys/bus/pci/devices/$bar/regions

# Packets that were read on another processor are freed at its next network interrupt, and keep their fragments until
# then: a ping on each processor causes one. (sysfs files have no size that could be tested.)
nothing_left()
{
	taskset -c 0 ping -c 1 -W 1 127.0.0.1 >/dev/null
	taskset -c 1 ping -c 1 -W 1 127.0.0.1 >/dev/null
	[ -z "$(cat $regions)" ]
}

something_there()
{
	[ -n "$(cat $regions)" ]
}

# a closed socket whose NIC is gone keeps its fragments until it gives up sending its FIN: for minutes, by default
sysctl -qw net.ipv4.tcp_orphan_retries=1

# --- the NIC goes while it receives
for round in 1 2; do
	spawn rx$round devmemctl recv $NIC --listen $NIC4:5000 --region heap:dmbar0 --size 16M --once --output /dev/null
	wait_listen 5000
	spawn tx$round peer socat -u OPEN:/dev/zero TCP:$NIC4:5000
	check "data is coming" wait_for 20 sh -c "[ \$(ethtool -S $NIC | awk '\$1 == \"rx_devmem_bytes:\" { print \$2 }') -gt 1000000 ]"
	check "the NIC's module goes while it receives" rmmod dmsim
	signal tx$round KILL
	signal rx$round KILL
	finish tx$round
	finish rx$round
	check "the region is freed" wait_for 40 nothing_left
	check "the module comes back" modprobe dmsim
	nic_up
	check "and works" ping -c 1 -w 5 $PEER4
done

# --- device memory stays as long as a region is in use
spawn holder devmemctl bind rx $NIC --queues 3 --region heap:dmbar0 --size 16M --steer -- sleep 1000
check "a region is bound" wait_for 20 something_there
equal "where it lies" "$(cat $regions)" "0x0 0x1000000"
check_not "the module stays while it is used" rmmod dmbar
echo "$bar" >/sys/bus/pci/drivers/dmbar/unbind
check_not "the heap goes with its device" test -e /dev/dma_heap/dmbar0
check_not "the module stays, for the region lives" rmmod dmbar
signal holder TERM
finish holder 20
check "the module goes with the last region" wait_for 20 rmmod dmbar
check "it comes back" modprobe dmbar core_heap=0 nommap=1
check "with its heap" test -c /dev/dma_heap/dmbar0
equal "which belongs to root" "$(stat -c '%a %u' /dev/dma_heap/dmbar0)" "600 0"
check_not "memory that cannot be mapped" devmemctl region test heap:dmbar0 --size 1M
show $LAB_RUN/check.out
echo N >/sys/module/dmbar/parameters/nommap
check "and that can" devmemctl region test heap:dmbar0 --size 1M
equal "nothing is left" "$(cat $regions)" ""
