#!/bin/sh
# The first process of a machine of the lab: gives it a /proc, a /run, a boot id, a state folder and a view of its own
# cgroup, and then waits to be killed. Arguments: the machine's name, its folder, the mount of cgroup v2,
# and its own cgroup there.
set -e
name=$1 folder=$2 cgroups=$3 own=$4
mount --make-rprivate /
mount -t proc proc /proc
# A daemon that resets its machine must not reset this computer.
[ ! -e /proc/sysrq-trigger ] || mount --bind /dev/null /proc/sysrq-trigger
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lock /run/resource-agents
mount --bind "$folder/boot_id" /proc/sys/kernel/random/boot_id
mkdir -p /var/lib/haven
mount --bind "$folder/state" /var/lib/haven
mount --bind "$own" "$cgroups"
# Where there are no resource agents at all, the lab's own are laid over their folder's parent.
[ -d /usr/lib/ocf/resource.d ] || [ ! -d "$folder/overlay/usr/lib/ocf" ] ||
    mount -t overlay overlay -o "lowerdir=$folder/overlay/usr/lib:/usr/lib" /usr/lib
for place in /etc/init.d /usr/sbin /usr/lib/ocf/resource.d; do
    [ ! -d "$place" ] || mount -t overlay overlay -o "lowerdir=$folder/overlay$place:$place" "$place"
done
hostname "$name"
touch "$folder/ready"
trap '' HUP INT TERM
while :; do
    sleep 3600 &
    wait $! || true
done
