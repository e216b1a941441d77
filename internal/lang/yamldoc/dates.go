package yamldoc

import (
	"time"

	"github.com/troupe-automation/troupe/value"
)

func dateValue(t time.Time) value.Value { return value.NewDate(t) }

func datetimeValue(t time.Time, aware bool) value.Value {
	if aware {
		return value.NewZonedDatetime(t)
	}
	return value.NewDatetime(t)
}

func setValue(d *value.Dict) value.Value {
	set, err := value.SetOf(d.Keys()...)
	if err != nil {
		return &value.List{Elems: d.Keys()}
	}
	return set
}
