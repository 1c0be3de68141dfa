# SPDX-License-Identifier: BSD-3-Clause
# description: the guest's clock keeps pace with the host's, even if the guest was wrong about its TSC
# set: core 7.x
# append: tsc_early_khz=700000

# the clock that the emulator keeps
rtc()
{
	cat /sys/class/rtc/rtc0/since_epoch
}

uptime()
{
	cut -d. -f1 /proc/uptime
}

began=$(rtc)
up=$(uptime)
sleep 8
between "seconds that the guest's clock is ahead" $(($(uptime) - up - ($(rtc) - began))) -3 3
