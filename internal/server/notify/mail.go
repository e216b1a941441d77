package notify

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/smtp"
	"strconv"
	"strings"
	"time"
)

// oneLine keeps what came from a job out of the headers and commands that follow.
func oneLine(s string) string {
	return strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ", "\x00", "").Replace(s)
}

// dial opens a connection that ends with ctx.
func dial(ctx context.Context, host string, port int, secured bool) (net.Conn, error) {
	address := net.JoinHostPort(host, strconv.Itoa(port))
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	if until, has := ctx.Deadline(); has {
		if err := conn.SetDeadline(until); err != nil {
			conn.Close()
			return nil, err
		}
	}
	if !secured {
		return conn, nil
	}
	over := tls.Client(conn, &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12})
	if err := over.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return over, nil
}

func sendMail(ctx context.Context, l *Letter) (sent int, err error) {
	host := l.text("host")
	ctx, stop := context.WithTimeout(ctx, time.Duration(l.number("timeout", 30))*time.Second)
	defer stop()
	conn, err := dial(ctx, host, l.number("port", 25), l.on("use_ssl"))
	if err != nil {
		return 0, err
	}
	c, err := smtp.NewClient(conn, host)
	if err != nil {
		conn.Close()
		return 0, err
	}
	defer c.Close()
	if l.on("use_tls") {
		if err := c.StartTLS(&tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}); err != nil {
			return 0, err
		}
	}
	if user := l.text("username"); user != "" {
		// The standard library sends a password over TLS and to this machine only.
		if err := c.Auth(smtp.PlainAuth("", user, l.text("password"), host)); err != nil {
			return 0, err
		}
	}
	sender, err := mail.ParseAddress(l.text("sender"))
	if err != nil {
		return 0, fmt.Errorf("sender: %w", err)
	}
	if err := c.Mail(sender.Address); err != nil {
		return 0, err
	}
	var to []string
	for _, r := range l.to {
		address, err := mail.ParseAddress(r)
		if err != nil {
			return 0, fmt.Errorf("recipient: %w", err)
		}
		if err := c.Rcpt(address.Address); err != nil {
			return 0, err
		}
		to = append(to, address.String())
	}
	w, err := c.Data()
	if err != nil {
		return 0, err
	}
	fmt.Fprintf(w, "From: %s\r\nTo: %s\r\nSubject: %s\r\nDate: %s\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n",
		sender, strings.Join(to, ", "), mime.QEncoding.Encode("utf-8", oneLine(l.Subject)), time.Now().Format(time.RFC1123Z))
	q := quotedprintable.NewWriter(w)
	_, err = q.Write([]byte(l.Body))
	if err := errors.Join(err, q.Close(), w.Close()); err != nil {
		return 0, err
	}
	return 1, c.Quit()
}

// sendIRC comes, says its line in each channel and to each person, and goes.
func sendIRC(ctx context.Context, l *Letter) (sent int, err error) {
	conn, err := dial(ctx, l.text("server"), l.number("port", 6667), l.on("use_ssl"))
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	say := func(format string, words ...any) {
		for i, w := range words {
			words[i] = oneLine(fmt.Sprint(w))
		}
		if _, failed := fmt.Fprintf(conn, format+"\r\n", words...); failed != nil && err == nil {
			err = failed
		}
	}
	nick := l.text("nickname")
	if p := l.text("password"); p != "" {
		say("PASS %s", p)
	}
	say("NICK %s", nick)
	say("USER %s 0 * :%s", nick, nick)
	lines := bufio.NewScanner(conn)
	waiting := 0
	for err == nil && lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) > 0 && words[0] == "PING" {
			say("PONG %s", strings.Join(words[1:], " "))
			continue
		}
		if len(words) < 3 {
			continue
		}
		switch words[1] {
		case "001": // welcome
			for _, to := range l.to {
				if strings.ContainsAny(to[:min(1, len(to))], "#&+!") {
					say("JOIN %s", to)
					waiting++
					continue
				}
				say("PRIVMSG %s :%s", to, l.Subject)
				sent++
			}
		case "JOIN":
			if strings.HasPrefix(words[0], ":"+nick+"!") || words[0] == ":"+nick {
				say("PRIVMSG %s :%s", strings.TrimPrefix(words[2], ":"), l.Subject)
				sent++
				waiting--
			}
		case "403", "405", "471", "473", "474", "475", "476", "433", "432", "464", "465":
			return sent, fmt.Errorf("the IRC server said: %s", strings.Join(words[2:], " "))
		default:
			continue
		}
		if waiting == 0 {
			say("QUIT")
			return sent, err
		}
	}
	if err == nil {
		err = lines.Err()
	}
	if err == nil {
		err = errors.New("the IRC server closed the connection")
	}
	return sent, err
}
