// Package platform is the server under fire: processes that are killed at random moments, several servers on one database, a database
// that is restarted. Its tests are short unless TROUPE_FULL=1 asks for all of it, as .ci/nightly does.
package platform
