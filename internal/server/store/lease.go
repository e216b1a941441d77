package store

// Lease is a name that one holder has at a time, and the mark that it left there last.
type Lease struct{ Name, Holder, Mark string }

// Claim takes or keeps a lease. It is got when nobody has it, when the holder is the same, or when its mark is the one that the
// caller has seen there for too long. Clocks play no part in it: they differ between machines.
func (tx *Tx) Claim(l Lease, old string) (bool, error) {
	n, err := tx.Exec("UPDATE lease SET holder = ?, expires = ? WHERE name = ? AND (holder = ? OR expires = ?)", l.Holder, l.Mark, l.Name, l.Holder, old)
	if err != nil || n > 0 {
		return n > 0, err
	}
	n, err = tx.Exec("INSERT INTO lease (name, holder, expires) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", l.Name, l.Holder, l.Mark)
	return n > 0, err
}

// Keep renews a lease; false says that somebody took it away.
func (tx *Tx) Keep(l Lease) (bool, error) {
	n, err := tx.Exec("UPDATE lease SET expires = ? WHERE name = ? AND holder = ?", l.Mark, l.Name, l.Holder)
	return n > 0, err
}

// Drop ends a lease, when its mark is still that one; "" stands for any mark of the holder.
func (tx *Tx) Drop(l Lease) (bool, error) {
	n, err := tx.Exec("DELETE FROM lease WHERE name = ? AND holder = ? AND (expires = ? OR ? = '')", l.Name, l.Holder, l.Mark, l.Mark)
	return n > 0, err
}

// Leases lists all leases.
func (tx *Tx) Leases() ([]Lease, error) {
	var out []Lease
	err := tx.Query("SELECT name, holder, expires FROM lease ORDER BY name", nil, func(scan func(...any) error) error {
		var l Lease
		err := scan(&l.Name, &l.Holder, &l.Mark)
		out = append(out, l)
		return err
	})
	return out, err
}

// Letter is a message that goes out after the transaction that wrote it: it is in the outbox until the bus has it.
type Letter struct {
	ID      int64
	Subject string
	Message string // its id on the bus: the same message is not taken twice
	Body    string
}

// Post puts a message into the outbox; one that is there already stays.
func (tx *Tx) Post(l Letter) error {
	_, err := tx.Exec("INSERT INTO outbox (subject, message_id, body) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", l.Subject, l.Message, l.Body)
	return err
}

// Outbox lists the oldest messages.
func (tx *Tx) Outbox(limit int) ([]Letter, error) {
	var out []Letter
	err := tx.Query("SELECT id, subject, message_id, body FROM outbox ORDER BY id LIMIT ?", []any{limit}, func(scan func(...any) error) error {
		var l Letter
		err := scan(&l.ID, &l.Subject, &l.Message, &l.Body)
		out = append(out, l)
		return err
	})
	return out, err
}

// Posted removes messages that the bus has.
func (tx *Tx) Posted(letters []Letter) error {
	for _, l := range letters {
		if _, err := tx.Exec("DELETE FROM outbox WHERE id = ?", l.ID); err != nil {
			return err
		}
	}
	return nil
}
