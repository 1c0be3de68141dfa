# SPDX-License-Identifier: BSD-3-Clause
# description: devmemctl's message for each refusal of the kernel, and that nothing is left changed
# timeout: 120

snapshot start
bind="devmemctl bind rx $NIC --queues 3 --region udmabuf:huge=no --size 4M"

expect_err 3 "nosuch0" devmemctl bind rx nosuch0 --queues 1 --region udmabuf --size 4M
expect_err 3 "lo" devmemctl recv lo --listen 127.0.0.1:5000 --once
expect_err 1 "queue 4" devmemctl bind rx $NIC --queues 4 --region udmabuf --size 4M
expect_err 1 "memfd" devmemctl bind rx $NIC --queues 3 --region memfd --size 4M
expect_err 1 "nosuchprovider" devmemctl bind rx $NIC --queues 3 --region nosuchprovider --size 4M
expect_err 3 "nosuchheap" devmemctl bind rx $NIC --queues 3 --region heap:nosuchheap --size 4M
expect_err 1 "5000" $bind --page-size 5000
expect_err 1 "2048" $bind --page-size 2048
expect_err 1 "4097" devmemctl bind rx $NIC --queues 3 --region udmabuf --size 4097
expect_err 1 "size" devmemctl bind rx $NIC --queues 3 --region udmabuf --size 0
echo 64 >/sys/module/udmabuf/parameters/size_limit_mb
expect_err 2 "size_limit_mb" devmemctl bind rx $NIC --queues 3 --region udmabuf --size 128M

# header split is off
ethtool -G $NIC tcp-data-split off
case $LAB_KERNEL in
7.x) expect_err 2 "tcp-data-split is disabled" $bind ;;
*) expect_err 2 "$NIC" $bind ;;
esac

# header split is on, but only above a threshold
ethtool -G $NIC tcp-data-split on
if [ $LAB_KERNEL = 7.x ]; then
	check "threshold of 64" /lab/bin/hds $NIC 64
	expect_err 2 "hds-thresh is not zero" $bind
	check "threshold of 0" /lab/bin/hds $NIC 0
	expect_err 2 "not aligned to niov size" $bind --page-size 16K
else
	expect_err 3 "rx-page-size" $bind --page-size 16K
fi

# the queue is bound already
spawn holder $bind
check "the first one binds" wait_for 10 test -s $OUT/holder.out
case $LAB_KERNEL in
7.x) expect_err 2 "already" $bind ;;
*) expect_err 2 "$NIC" $bind ;;
esac
check_not "split off is refused while bound" ethtool -G $NIC tcp-data-split off
check_not "fewer channels are refused while bound" ethtool -L $NIC combined 3
if [ $LAB_KERNEL = 7.x ]; then
	check_not "a threshold is refused while bound" /lab/bin/hds $NIC 64
fi
signal holder INT
finish holder 10
equal "the holder ends by the signal" $? 0
check "the queue can be bound again" timeout 20 devmemctl bind rx $NIC --queues 3 --region udmabuf --size 4M -- true

# no privilege
chmod 666 /dev/udmabuf
expect_err 3 "CAP_NET_ADMIN" setpriv --reuid 65534 --regid 65534 --clear-groups $bind
expect_err 3 "CAP_NET_ADMIN" setpriv --reuid 65534 --regid 65534 --clear-groups \
	devmemctl recv $NIC --listen $NIC4:5000 --region udmabuf --size 4M --once
chmod 600 /dev/udmabuf
expect_err 3 "/dev/udmabuf" setpriv --reuid 65534 --regid 65534 --clear-groups $bind

ethtool -G $NIC tcp-data-split off
unchanged start "the NIC is as it was"
