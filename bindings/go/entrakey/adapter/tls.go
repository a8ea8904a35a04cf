package adapter

import (
	"context"
	"net"

	"entrakey.invalid/go/entrakey"
)

// IsTLS says whether a connection is one of TLS, whoever made it, or one around such.
func IsTLS(c net.Conn) bool {
	for range 8 { // wrappers within wrappers
		if _, ok := c.(interface{ HandshakeContext(context.Context) error }); ok { // which those have, and only those
			return true
		}
		wrapper, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return false
		}
		c = wrapper.NetConn()
	}
	return false
}

// CheckPlaintext refuses a connection on which a token could be read on its way to another machine. name is the address as the
// options have it.
func CheckPlaintext(c net.Conn, name, remedy string) error {
	if IsTLS(c) {
		return nil
	}
	switch peer := c.RemoteAddr().(type) {
	case *net.UnixAddr:
		return nil
	case *net.TCPAddr:
		return entrakey.CheckPlaintext(peer.IP.String(), name, remedy)
	default: // a dialler's own: the name that the program has given tells where it leads
		host, _, err := net.SplitHostPort(name)
		if err != nil {
			host = name
		}
		return entrakey.CheckPlaintext(host, name, remedy)
	}
}
