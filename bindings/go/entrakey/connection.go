package entrakey

import "entrakey.invalid/go/entrakey/internal/native"

// Connection is one open connection of a client to a server, as status and metrics count it. A client that connects again
// makes another.
type Connection struct{ native *handle }

// Opened counts a connection that is about to send AUTH with the token of this version. Close it when the connection is closed.
func (w *Watch) Opened(version uint64) *Connection {
	if !w.native.enter() {
		return &Connection{newHandle(0, native.ConnectionFree)}
	}
	defer w.native.leave()
	connection := &Connection{newHandle(native.WatchOpened(w.native.object, version), native.ConnectionFree)}
	closeWith(connection, connection.native)
	return connection
}

// IsBehind: the connection should authenticate with the token of this version, because it is on an older one and its server
// has not refused this one. Cheap enough to ask before every command, with [Provider.Version].
func (c *Connection) IsBehind(version uint64) bool {
	if !c.native.enter() {
		return false
	}
	defer c.native.leave()
	return native.ConnectionIsBehind(c.native.object, version)
}

// Authenticated: the server answered OK to an AUTH with the token of this version.
func (c *Connection) Authenticated(version uint64) {
	if c.native.enter() {
		native.ConnectionAuthenticated(c.native.object, version)
		c.native.leave()
	}
}

// Refused: the server answered this to an AUTH with the token of this version. The answer says why, probably; its Reason is
// "not_a_refusal" if the message says nothing of the token.
func (c *Connection) Refused(version uint64, message string) (Rejection, error) {
	if !c.native.enter() {
		return Rejection{}, closed("connection")
	}
	defer c.native.leave()
	return explained(native.ConnectionRefused(c.native.object, version, message))
}

// Close: the connection is closed.
func (c *Connection) Close() { c.native.close() }

// CheckPlaintext refuses a connection without TLS that leaves this machine. peer is the host or address that it goes to, name
// the same as the user wrote it, remedy how to switch TLS on in the user's client. It resolves no name.
func CheckPlaintext(peer, name, remedy string) error {
	if err := native.Load(); err != nil {
		return err
	}
	return failed(native.CheckPlaintext(peer, name, remedy))
}
