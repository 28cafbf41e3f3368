package asktell_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	asktell "github.com/asktell/asktell/clients/go"
)

func TestTheCodeOfTheReadmeIsThatOfTheExamples(t *testing.T) {
	source := mustRead(t, "example_test.go")
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(mustRead(t, "README.md"), -1)
	if len(blocks) == 0 {
		t.Fatal("the README shows no code")
	}
	for _, block := range blocks {
		code := block[1]
		if strings.HasPrefix(code, "// main.go\n") { // a whole program, which tests/readmes runs
			code = code[strings.Index(code, "func tune("):strings.Index(code, "func train(")]
		}
		if !strings.Contains(source, code) {
			t.Errorf("example_test.go does not have this code of the README:\n%s", code)
		}
	}
}

func TestTheVersionIsThatOfTheOtherClients(t *testing.T) {
	needRepository(t)
	if !strings.Contains(mustRead(t, "../python/pyproject.toml"), `version = "`+asktell.Version+`"`) {
		t.Errorf("the Python client is not %s", asktell.Version)
	}
}

// needRepository skips a test where the module has been downloaded alone, without the rest of the repository.
func needRepository(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("../../proto"); err != nil {
		t.Skip("the module is not in its repository")
	}
}

func mustRead(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
