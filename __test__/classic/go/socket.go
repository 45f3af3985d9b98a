package main

import (
	"net"
	"syscall"
)

// Bound to every address and joined to one group, with hop limit 255, as the original's socket.
func listen(ifi *net.Interface, group *net.UDPAddr) (*net.UDPConn, error) {
	network := "udp6"
	if group.IP.To4() != nil {
		network = "udp4"
	}
	conn, err := net.ListenUDP(network, &net.UDPAddr{Port: group.Port})
	if err != nil {
		return nil, err
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		if network == "udp4" {
			failed = joinIPv4(int(fd), ifi, group.IP.To4())
		} else {
			failed = joinIPv6(int(fd), ifi, group.IP)
		}
	})
	if err == nil {
		err = failed
	}
	return conn, err
}

func joinIPv4(fd int, ifi *net.Interface, group net.IP) error {
	mreq := &syscall.IPMreqn{Ifindex: int32(ifi.Index)}
	if err := syscall.SetsockoptIPMreqn(fd, syscall.IPPROTO_IP, syscall.IP_MULTICAST_IF, mreq); err != nil {
		return err
	}
	if err := syscall.SetsockoptInt(fd, syscall.IPPROTO_IP, syscall.IP_MULTICAST_TTL, 255); err != nil {
		return err
	}
	copy(mreq.Multiaddr[:], group)
	return syscall.SetsockoptIPMreqn(fd, syscall.IPPROTO_IP, syscall.IP_ADD_MEMBERSHIP, mreq)
}

func joinIPv6(fd int, ifi *net.Interface, group net.IP) error {
	if err := syscall.SetsockoptInt(fd, syscall.IPPROTO_IPV6, syscall.IPV6_MULTICAST_IF, ifi.Index); err != nil {
		return err
	}
	if err := syscall.SetsockoptInt(fd, syscall.IPPROTO_IPV6, syscall.IPV6_MULTICAST_HOPS, 255); err != nil {
		return err
	}
	mreq := &syscall.IPv6Mreq{Interface: uint32(ifi.Index)}
	copy(mreq.Multiaddr[:], group)
	return syscall.SetsockoptIPv6Mreq(fd, syscall.IPPROTO_IPV6, syscall.IPV6_JOIN_GROUP, mreq)
}
