package entrakeygoredis

import "strconv"

// auth is the command AUTH.
func auth(username, password string) []byte {
	p := []byte("*3\r\n$4\r\nAUTH\r\n")
	for _, argument := range []string{username, password} {
		p = append(p, '$')
		p = strconv.AppendInt(p, int64(len(argument)), 10)
		p = append(p, "\r\n"...)
		p = append(p, argument...)
		p = append(p, "\r\n"...)
	}
	return p
}
