# SPDX-License-Identifier: BSD-3-Clause
# description: MTU 9000, with receive buffers of 4 KiB, 16 KiB and 2 MiB, on ordinary and huge pages
# set: core 7.x
# mtu: 9000
# hugepages: 32
# timeout: 150

snapshot start
stream small $NIC4:5000 16M --region udmabuf:huge=no --size 16M
between "small: in device memory" "$(field small bytes_device)" 16000000 16777216
stream huge $NIC4:5000 16M --region udmabuf --size 32M
check "huge pages by default" grep -q 'huge=2M' $OUT/huge.out
if [ $LAB_KERNEL = 7.x ]; then
	stream page16k $NIC4:5000 16M --region udmabuf:huge=2M --size 32M --page-size 16K
	between "page16k: in device memory" "$(field page16k bytes_device)" 16000000 16777216
	stream page2m $NIC4:5000 16M --region udmabuf:huge=2M --size 64M --page-size 2M
	between "page2m: in device memory" "$(field page2m bytes_device)" 16000000 16777216
	stream page2m6 "[$NIC6]:5000" 16M --region heap:dmbar0 --size 64M --page-size 2M
fi
unchanged start "the NIC is as it was"
