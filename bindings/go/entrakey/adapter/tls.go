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
	peer, isTCP := c.RemoteAddr().(*net.TCPAddr)
	if !isTCP || IsTLS(c) {
		return nil
	}
	return entrakey.CheckPlaintext(peer.IP.String(), name, remedy)
}
