# SPDX-License-Identifier: BSD-3-Clause
# description: streams over IPv4 and IPv6 into udmabuf and into device memory, found by the host in the device's backing file
# bar: 64M
# timeout: 120

snapshot start
stream ipv4 $NIC4:5000 8M --region udmabuf:huge=no --size 16M
between "ipv4: in device memory" "$(field ipv4 bytes_device)" 8000000 8388608
unchanged start "the NIC is as it was"
stream ipv6 "[$NIC6]:5000" 8M --region udmabuf:huge=no --size 16M
between "ipv6: in device memory" "$(field ipv6 bytes_device)" 8000000 8388608
unchanged start "the NIC is as it was"

# held to the end, so that nothing overwrites it: the host finds the bytes
stream device $NIC4:5000 8M --region heap:dmbar0 --size 48M --hold --map $OUT/map
equal "device: all of it in device memory" "$(field device bytes_device)" 8388608
cp /tmp/device.sent $OUT/sent
dmesg | sed -n 's/.*dmbar.*alloc off=\(0x[0-9a-f]*\).*/\1/p' | tail -n 1 >$OUT/base
unchanged start "the NIC is as it was"

# into a file and to stdout
random_file /tmp/sent 2M
spawn file devmemctl recv $NIC --listen $NIC4:5001 --once --region udmabuf --size 4M --output /tmp/got
wait_listen 5001
send_file /tmp/sent $NIC4:5001
finish file 20
check "file: every byte" cmp /tmp/sent /tmp/got
spawn out devmemctl recv $NIC --listen $NIC4:5001 --once --region udmabuf --size 4M --output -
wait_listen 5001
peer nc -N $NIC4 5001 </tmp/sent
finish out 20
check "stdout: every byte, and nothing else" cmp /tmp/sent $OUT/out.out

# the other way round: the receiver connects, the peer sends
spawn peer ip netns exec peer socat -u OPEN:/tmp/sent TCP4-LISTEN:6000,reuseaddr
check "the peer listens" wait_for 10 peer sh -c 'ss -Hltn "sport = :6000" | grep -q .'
spawn connect devmemctl recv $NIC --connect $PEER4:6000 --region udmabuf --size 4M --once --sha256 -j
received connect /tmp/sent "connect"
between "connect: in device memory" "$(field connect bytes_device)" 2000000 2097152
finish peer 5

# several streams one after the other
spawn several devmemctl recv $NIC --listen $NIC4:5002 --region udmabuf --size 4M --output /tmp/several
wait_listen 5002
send_file /tmp/sent $NIC4:5002
send_file /tmp/sent $NIC4:5002
check "two streams, one process" wait_for 10 sh -c '[ $(stat -c %s /tmp/several) -eq 4194304 ]'
signal several INT
finish several 10
equal "it ends by the signal" $? 130
unchanged start "the NIC is as it was"
