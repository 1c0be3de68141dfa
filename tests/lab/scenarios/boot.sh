# SPDX-License-Identifier: BSD-3-Clause
# description: the guest itself: two hosts that reach each other, a NIC that can split headers, device memory
# timeout: 60

case $(uname -r) in
"$LAB_KERNEL"* | 7.*) ok "kernel $(uname -r)" ;;
*) fail "kernel $(uname -r), not $LAB_KERNEL" ;;
esac
check "ping over IPv4" ping -c 1 -w 5 $PEER4
check "ping over IPv6" ping -c 1 -w 5 $PEER6
check "ping from the peer" peer ping -c 1 -w 5 $NIC4

ethtool -g $NIC >/tmp/rings
contains "tcp-data-split is reported" /tmp/rings "TCP data split:"
check "tcp-data-split on" ethtool -G $NIC tcp-data-split on
ethtool -g $NIC | tee /tmp/rings | grep -A20 "Current" >/tmp/current
check "tcp-data-split is on" grep -q "TCP data split:[[:space:]]*on" /tmp/current
check "tcp-data-split off" ethtool -G $NIC tcp-data-split off
equal "driver" "$(ethtool -i $NIC | sed -n 's/^driver: //p')" dmsim

check "device memory's module is bound" test -e /sys/bus/pci/drivers/dmbar/0000:*
check "device memory is a dma-heap" test -c /dev/dma_heap/dmbar0
check "udmabuf is there" test -c /dev/udmabuf

# an ordinary stream: without a binding the NIC is like any other
spawn server socat -u TCP-LISTEN:5000,bind=$NIC4,reuseaddr OPEN:/tmp/got,creat,trunc
wait_listen 5000
peer sh -c "head -c 4194304 /dev/urandom >/tmp/sent; socat -u OPEN:/tmp/sent TCP:$NIC4:5000"
check "the server ends with the stream" finish server 20
equal "4 MiB arrive unchanged" "$(sha256 /tmp/got)" "$(sha256 /tmp/sent)"
save /tmp/current
