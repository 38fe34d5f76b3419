// SPDX-License-Identifier: Apache-2.0
/* The command table: the one place that says what the command line looks like. */
#include "cli/command.h"

static const char *const log_targets[] = {"stderr", "stdout", NULL};
static const char *const engines[] = {"compiler", "interp", NULL};

static const struct option global_options[] = {
    {.name = "log-filter",
     .value = "FILTER",
     .env = "ENARX_LOG",
     .help =
         "What to log, as in \"info\" or \"warn,enarx::keep=debug\" (errors only if not given)"},
    {.name = "log-target",
     .value = "TARGET",
     .preset = "stderr",
     .kind = VALUE_CHOICE,
     .choices = log_targets,
     .help = "Where to log to"},
    {.name = "help", .help = "Print help; -h prints less of it"},
    {.name = "version", .letter = 'V', .help = "Print the version"},
    {0},
};

#define OPTION_BACKEND                                                                             \
    {                                                                                              \
        .name = "backend", .letter = 'b', .value = "BACKEND", .env = "ENARX_BACKEND",              \
        .help = "Kind of Keep; see enarx platform info (the strongest usable one if not given)"    \
    }

#define OPTIONS_PROGRAM                                                                            \
    {.name = "dir",                                                                                \
     .letter = 'd',                                                                                \
     .value = "HOST::GUEST[:ro]",                                                                  \
     .kind = VALUE_DIRECTORY,                                                                      \
     .repeats = true,                                                                              \
     .help = "Let the program use the directory HOST under the name GUEST"},                       \
        {.name = "sealed-min",                                                                     \
         .value = "GUEST=VERSION",                                                                 \
         .repeats = true,                                                                          \
         .help = "Refuse the sealed directory GUEST if it is older than VERSION"},                 \
        {.name = "engine",                                                                         \
         .value = "ENGINE",                                                                        \
         .preset = "compiler",                                                                     \
         .kind = VALUE_CHOICE,                                                                     \
         .choices = engines,                                                                       \
         .help = "What runs the program: machine code, or the interpreter"},                       \
        {.name = "trap-missing-imports",                                                           \
         .help = "Run modules that import functions which nobody provides; calling one traps"},    \
    {                                                                                              \
        .name = "timings",                                                                         \
        .help = "Print on stderr how long each phase took, and how many functions were compiled"   \
    }

static const struct option run_options[] = {
    OPTION_BACKEND,
    {.name = "wasmcfgfile",
     .value = "FILE",
     .env = "ENARX_WASMCFGFILE",
     .kind = VALUE_FILE,
     .help = "The Enarx.toml to use (none if not given: stdin, stdout and stderr only)"},
    {.name = "config-beside", .help = "Use the Enarx.toml in the directory of MODULE"},
    {.name = "env",
     .letter = 'e',
     .value = "KEY=VALUE",
     .repeats = true,
     .help = "Add a variable to the environment of the program"},
    OPTIONS_PROGRAM,
    {.name = "json", .help = "Print the timings as JSON"},
    {0},
};

static const struct example run_examples[] = {
    {"enarx run hello.wasm", "Run a program that needs only stdin, stdout and stderr"},
    {"enarx run --wasmcfgfile Enarx.toml server.wasm", "Run with arguments, variables and sockets"},
    {"enarx run --backend nil --dir ./data::/data:ro app.wasm --verbose",
     "Run without isolation, with a directory to read and an argument"},
    {0},
};

static const struct example deploy_examples[] = {
    {"enarx deploy store.example.com/alice/web:1.0.0",
     "Let a Keep prove itself, fetch the package, and run it"},
    {"enarx deploy --detach --dir ./data::/data store.example.com/alice/web:1.0.0",
     "The same in the background, with a directory"},
    {"enarx deploy --dry-run ./web", "See what would be proved of a directory"},
    {"enarx deploy --digest 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 "
     "https://example.com/app.wasm",
     "Run what stands at a URL, and nothing else"},
    {0},
};

static const struct option list_options[] = {
    {.name = "all", .letter = 'a', .help = "Also those that have ended"},
    {.name = "json", .letter = 'j', .help = "Print JSON"},
    {0},
};

static const struct option logs_options[] = {
    {.name = "follow", .letter = 'f', .help = "Go on until the Keep ends"},
    {0},
};

static const struct option stop_options[] = {
    {.name = "time",
     .letter = 't',
     .value = "SECONDS",
     .preset = "10",
     .help = "How long it may take to end before it is killed"},
    {0},
};

static const struct option remove_options[] = {
    {.name = "all", .letter = 'a', .help = "All that have ended"},
    {0},
};

static const struct example keep_examples[] = {
    {"enarx keep list", "See which Keeps run"},
    {"enarx keep logs --follow 3f9a", "Watch what a Keep writes"},
    {"enarx keep stop 3f9a", "End a Keep"},
    {0},
};

static const struct option exec_options[] = {
    OPTION_BACKEND,
    {.name = "dir",
     .letter = 'd',
     .value = "HOST[:ro]",
     .kind = VALUE_DIRECTORY,
     .repeats = true,
     .help = "Let the program open files below the directory HOST"},
    {0},
};

static const struct option verify_options[] = {
    {.name = "time",
     .value = "RFC3339",
     .help = "The moment at which to judge, as in 2026-01-02T03:04:05Z (now if not given)"},
    {.name = "policy",
     .value = "FILE",
     .kind = VALUE_FILE,
     .help = "The steward.toml to judge by (genuine hardware in a safe state, if not given)"},
    {.name = "vek",
     .value = "FILE",
     .kind = VALUE_FILE,
     .help = "The VCEK or VLEK certificate of an SNP report, DER or PEM"},
    {.name = "collateral",
     .value = "DIR",
     .kind = VALUE_DIRECTORY,
     .help = "A directory of TCB infos, enclave identities, revocation lists and certificates"},
    {.name = "allow-unbound", .help = "Accept evidence that names no workload"},
    {.name = "json", .letter = 'j', .help = "Print JSON"},
    {0},
};

static const struct example show_examples[] = {
    {"enarx evidence show report.bin", "See what an SNP report says"},
    {"enarx evidence show --json quote.bin | jq '.\"TDX quote\".\"TD report\".MRTD'",
     "Take one field out of a quote"},
    {0},
};

static const struct example verify_examples[] = {
    {"enarx evidence verify --vek vcek.der report.bin", "Judge an SNP report"},
    {"enarx evidence verify --collateral ./intel --time 2026-02-01T00:00:00Z quote.bin",
     "Judge a quote of SGX or TDX at a moment of the past"},
    {"enarx evidence verify --policy steward.toml --json keep.csr",
     "Judge a certification request as a Steward would"},
    {0},
};

static const struct option json_options[] = {
    {.name = "json", .letter = 'j', .help = "Print JSON"},
    {0},
};

#define OPTION_JSON                                                                                \
    {                                                                                              \
        .name = "json", .letter = 'j', .help = "Print JSON"                                        \
    }

#define OPTIONS_HOST                                                                               \
    {.name = "store-host",                                                                         \
     .value = "HOST[:PORT]",                                                                       \
     .env = "ENARX_STORE_HOST",                                                                    \
     .help = "The Drawbridge of names that are written without one"},                              \
    {                                                                                              \
        .name = "ca-bundle", .value = "FILE", .kind = VALUE_FILE, .env = "ENARX_CA_BUNDLE",        \
        .help = "Roots (PEM) that vouch for the servers, in place of the system's"                 \
    }

#define OPTIONS_STORE                                                                              \
    OPTIONS_HOST,                                                                                  \
        {.name = "credential-helper",                                                              \
         .value = "PROGRAM",                                                                       \
         .kind = VALUE_FILE,                                                                       \
         .env = "ENARX_CREDENTIAL_HELPER",                                                         \
         .help = "Keeps tokens, in place of files of mode 0600"},                                  \
        {.name = "oidc-domain",                                                                    \
         .value = "URL",                                                                           \
         .env = "ENARX_OIDC_DOMAIN",                                                               \
         .help = "The OpenID provider"},                                                           \
        OPTION_JSON

#define OPTIONS_TOKEN                                                                              \
    {.name = "token-file",                                                                         \
     .value = "FILE",                                                                              \
     .kind = VALUE_FILE,                                                                           \
     .env = "ENARX_TOKEN_FILE",                                                                    \
     .help = "Where the access or deployment token is; - is stdin"},                               \
    {                                                                                              \
        .name = "insecure-auth-token", .value = "TOKEN", .env = "ENARX_INSECURE_AUTH_TOKEN",       \
        .help = "The token itself, which other users of the machine can see on a command line"     \
    }

static const struct option deploy_options[] = {
    OPTION_BACKEND,
    {.name = "insecure", .help = "Take also a kind of Keep that hides nothing from this host"},
    {.name = "dry-run", .letter = 'n', .help = "Print what would be proved, and run nothing"},
    {.name = "detach",
     .letter = 'D',
     .help = "Return when the program begins; enarx keep manages it from then on"},
    {.name = "digest",
     .value = "SHA256",
     .help = "What has to come: the digest of the package's root, in hexadecimal"},
    {.name = "steward",
     .value = "URL",
     .help = "Who certifies the Keep before it fetches (what the Drawbridge says if not given)"},
    OPTIONS_HOST,
    OPTIONS_PROGRAM,
    {.name = "json", .letter = 'j', .help = "Print summary and timings as JSON"},
    {0},
};

static const char *const flows[] = {"device", "code", NULL};
static const char *const accesses[] = {"read", "write", NULL};

static const struct option store_options[] = {OPTIONS_STORE, OPTIONS_TOKEN, {0}};

static const struct option login_options[] = {
    {.name = "oidc-flow",
     .value = "FLOW",
     .preset = "device",
     .kind = VALUE_CHOICE,
     .choices = flows,
     .help = "How: device, with a browser anywhere, or code, with one on this machine"},
    {.name = "oidc-client-id",
     .value = "ID",
     .env = "ENARX_OIDC_CLIENT_ID",
     .preset = "enarx",
     .help = "Under which name the provider knows this program"},
    {.name = "oidc-audience",
     .value = "TEXT",
     .help = "What the token is to be for (https://HOST/ if not given)"},
    OPTIONS_STORE,
    {0},
};

static const struct option logout_options[] = {OPTIONS_STORE, {0}};

static const struct option repo_register_options[] = {
    {.name = "private", .help = "Only its owner, and whom the owner grants it to, can read it"},
    OPTIONS_STORE,
    OPTIONS_TOKEN,
    {0},
};

static const struct option search_options[] = {
    {.name = "count", .value = "N", .preset = "20", .help = "At most so many, up to 100"},
    {.name = "after", .value = "USER/REPOSITORY", .help = "Only those behind this one"},
    OPTIONS_STORE,
    OPTIONS_TOKEN,
    {0},
};

static const struct option yank_options[] = {
    {.name = "reason", .value = "TEXT", .help = "Why, for those who ask"},
    {.name = "undo", .help = "Take it back"},
    OPTIONS_STORE,
    OPTIONS_TOKEN,
    {0},
};

static const struct option grant_options[] = {
    {.name = "access",
     .value = "ACCESS",
     .preset = "read",
     .kind = VALUE_CHOICE,
     .choices = accesses,
     .help = "What USER may: read, or write, which includes to read"},
    {.name = "revoke", .help = "Take the grant back"},
    OPTIONS_STORE,
    OPTIONS_TOKEN,
    {0},
};

static const struct option generate_options[] = {
    {.name = "scope",
     .value = "ACCESS",
     .kind = VALUE_CHOICE,
     .choices = accesses,
     .repeats = true,
     .help = "What it allows (read if not given); write does not include read"},
    {.name = "tag", .value = "TAG", .help = "Only for this tag"},
    {.name = "lifetime",
     .value = "SECONDS",
     .preset = "2592000",
     .help = "How long it is valid, from 60 to 31536000"},
    OPTIONS_STORE,
    OPTIONS_TOKEN,
    {0},
};

static const struct option publish_options[] = {
    {.name = "any-files",
     .help = "Publish all files and directories, not only main.wasm and Enarx.toml"},
    OPTIONS_STORE,
    OPTIONS_TOKEN,
    {0},
};

static const struct option sign_options[] = {
    {.name = "key",
     .value = "FILE",
     .kind = VALUE_FILE,
     .help = "The private key on P-256, PEM or DER"},
    OPTIONS_STORE,
    OPTIONS_TOKEN,
    {0},
};

static const struct option package_verify_options[] = {
    {.name = "signer",
     .value = "THUMBPRINT",
     .repeats = true,
     .help = "A key whose signature counts, as enarx package sign prints it"},
    OPTIONS_STORE,
    OPTIONS_TOKEN,
    {0},
};

static const struct example login_examples[] = {
    {"enarx user login --store-host store.example.com --oidc-domain https://login.example.com",
     "Log in with a browser anywhere"},
    {"enarx user login --oidc-flow code",
     "With a browser on this machine; the hosts come from the environment"},
    {0},
};

static const struct example publish_examples[] = {
    {"enarx package publish store.example.com/alice/hello:1.0.0 ./hello",
     "Publish a directory with main.wasm and Enarx.toml"},
    {0},
};

static const struct example package_fetch_examples[] = {
    {"enarx package fetch store.example.com/alice/hello:1.0.0 ./hello",
     "Fetch a package into a new directory"},
    {0},
};

static const struct example package_sign_examples[] = {
    {"openssl ecparam -name prime256v1 -genkey -noout -out sign.key", "Make a key"},
    {"enarx package sign --key sign.key store.example.com/alice/hello:1.0.0",
     "Sign a tag; prints the thumbprint of the key"},
    {0},
};

static const struct example grant_examples[] = {
    {"enarx repo grant store.example.com/alice/hello bob", "Let bob read a private repository"},
    {"enarx repo grant store.example.com/alice/hello", "List the grants"},
    {0},
};

static const struct example generate_token_examples[] = {
    {"enarx repo token generate --scope write --lifetime 86400 store.example.com/alice/hello",
     "A token with which a machine can publish for a day"},
    {0},
};

static const struct example digest_examples[] = {
    {"enarx tree digest ./hello", "See under which digests a directory would be published"},
    {0},
};

#define OPTIONS_FETCH                                                                              \
    {.name = "collateral",                                                                         \
     .value = "DIR",                                                                               \
     .kind = VALUE_DIRECTORY,                                                                      \
     .env = "ENARX_COLLATERAL",                                                                    \
     .preset = "/var/cache/enarx/collateral",                                                      \
     .help = "The directory to fill; it is made if it is not there"},                              \
        {.name = "service",                                                                        \
         .value = "URL",                                                                           \
         .help = "A mirror with the paths of the vendors' services, to ask in their place"},       \
        {.name = "ca-bundle",                                                                      \
         .value = "FILE",                                                                          \
         .kind = VALUE_FILE,                                                                       \
         .env = "ENARX_CA_BUNDLE",                                                                 \
         .help = "Roots (PEM) that vouch for the service, in place of the system's"},              \
    {                                                                                              \
        .name = "time", .value = "RFC3339",                                                        \
        .help = "The moment as of which answers are judged (now if not given)"                     \
    }

static const struct option fetch_options[] = {OPTIONS_FETCH, {0}};

static const struct option fetch_tcb_options[] = {
    {.name = "tdx", .help = "Fetch for TDX, if an FMSPC is given; a quote tells by itself"},
    OPTIONS_FETCH,
    {0},
};

static const struct example snp_crl_examples[] = {
    {"enarx platform snp cache-crl", "Fetch the lists of Milan, Genoa and Turin"},
    {0},
};

static const struct example snp_vek_examples[] = {
    {"enarx platform snp cache-vek report.bin", "Fetch the VCEK that signed a report"},
    {0},
};

static const struct example sgx_crl_examples[] = {
    {"enarx platform sgx cache-crl --collateral ./intel", "Fetch Intel's three lists"},
    {0},
};

static const struct example sgx_tcb_examples[] = {
    {"enarx platform sgx cache-tcb quote.bin", "Fetch what is needed to judge a quote"},
    {"enarx platform sgx cache-tcb --service https://pccs.example.com:8081 00a067110000",
     "Fetch from a mirror for an FMSPC"},
    {0},
};

static const struct example root_examples[] = {
    {"enarx run hello.wasm", "Run a WebAssembly program in the strongest Keep of this machine"},
    {"enarx platform info", "See which Keeps this machine can build"},
    {0},
};

static const struct example info_examples[] = {
    {"enarx platform info", "See what this machine can do"},
    {"enarx platform info --json | jq -r '.backends[].backend'", "List the backends"},
    {0},
};

static const struct example init_examples[] = {
    {"enarx config init && $EDITOR Enarx.toml", "Begin a configuration"},
    {0},
};

static const struct example exec_examples[] = {
    {"enarx unstable exec --backend nil ./program", "Run a static-PIE program as an exec"},
    {0},
};

const struct command commands[] = {
    {.path = "",
     .operands = "",
     .summary = "Runs WebAssembly programs in Keeps, protected from the machine they run on",
     .description =
         "Enarx takes a WebAssembly program and an optional Enarx.toml, builds a Keep with the "
         "hardware that the machine has, and runs the program inside.\n\n"
         "The exit status of the program is passed through. Failures of Enarx itself have exit "
         "statuses from 120; see docs/exit-status.md.",
     .options = global_options,
     .examples = root_examples},
    {.path = "run",
     .operands = "MODULE [ARGS…]",
     .operands_min = 1,
     .passes_operands = true,
     .operand_kind = VALUE_FILE,
     .summary = "Run a WebAssembly program",
     .description =
         "Runs the WebAssembly module in the file MODULE with WASI preview 1. The program's first "
         "argument is always main.wasm; ARGS follow after the args of the Enarx.toml.\n\n"
         "What an Enarx.toml says cannot be changed from the command line, only added to: --env "
         "refuses variables that the file sets, and --dir refuses directories that the file does "
         "not name. Without an Enarx.toml all directories are given to the program in the order of "
         "the command line.\n\n"
         "An Enarx.toml is used only when it is asked for, never because it happens to be there.",
     .options = run_options,
     .examples = run_examples,
     .run = command_run},
    {.path = "deploy",
     .operands = "PACKAGE",
     .operands_min = 1,
     .operands_max = 1,
     .operand_kind = VALUE_FILE,
     .summary = "Run a package in a Keep that proves itself first",
     .description =
         "PACKAGE is [HOST/]USER/REPO:TAG of a Drawbridge, a URL of https, a directory with "
         "main.wasm "
         "and Enarx.toml, or a file with a module.\n\n"
         "A package of a Drawbridge is fetched by the Keep itself: it makes a key, sends evidence "
         "for "
         "the key and for the package's digest to the Steward that the Drawbridge names, and "
         "fetches "
         "with the certificate that it gets. What comes is compared with the digest, and runs only "
         "then. Its Enarx.toml has the last word about who certifies it, and the only one about "
         "arguments and variables.\n\n"
         "Kinds of Keeps that hide nothing from this host are refused without --insecure. When the "
         "program begins, a summary says what was proved to whom: on stderr, or with --detach on "
         "stdout.",
     .options = deploy_options,
     .examples = deploy_examples,
     .run = command_deploy},
    {.path = "keep",
     .operands = "",
     .summary = "Manage the Keeps that were deployed on this host",
     .description =
         "A Keep is named by its id, or by the beginning of one that no other has. What "
         "is known of Keeps stands in ENARX_STATE_DIR, or in XDG_STATE_HOME/enarx, or in "
         "~/.local/state/enarx, and is of the user who deployed them.",
     .examples = keep_examples},
    {.path = "keep list",
     .operands = "",
     .summary = "List the Keeps that run",
     .description = "Shows id, state, kind, start, workload and what was deployed.",
     .options = list_options,
     .run = command_keep_list},
    {.path = "keep logs",
     .operands = "KEEP",
     .operands_min = 1,
     .operands_max = 1,
     .summary = "Print what a detached Keep has written",
     .description =
         "What the program wrote to stdout and stderr, if its Enarx.toml gives it these.",
     .options = logs_options,
     .run = command_keep_logs},
    {.path = "keep stop",
     .operands = "KEEP…",
     .operands_min = 1,
     .operands_max = 1000,
     .summary = "End Keeps",
     .description = "A Keep is asked to end (SIGTERM), and killed when it does not.",
     .options = stop_options,
     .run = command_keep_stop},
    {.path = "keep remove",
     .operands = "[KEEP…]",
     .operands_max = 1000,
     .summary = "Forget Keeps that have ended, with their logs",
     .description = "Keeps that run are refused.",
     .options = remove_options,
     .run = command_keep_remove},
    {.path = "config",
     .operands = "",
     .summary = "Work with Enarx.toml",
     .description = "Enarx.toml says what a WebAssembly program is given: arguments, environment "
                    "variables, files and sockets. Enarx.toml(5) describes it."},
    {.path = "config init",
     .operands = "",
     .summary = "Write a commented Enarx.toml into the current directory",
     .description = "Writes Enarx.toml, with comments on each part. A file that exists is never "
                    "touched.",
     .examples = init_examples,
     .run = command_config_init},
    {.path = "evidence",
     .operands = "",
     .summary = "Understand and judge evidence of hardware protection",
     .description = "Evidence is what a processor signs about the program that it protects: SNP "
                    "reports, SGX and TDX quotes, and certification requests and certificates that "
                    "carry them."},
    {.path = "evidence show",
     .operands = "FILE",
     .operands_min = 1,
     .operands_max = 1,
     .operand_kind = VALUE_FILE,
     .summary = "Show a report, quote, certification request or certificate field by field",
     .description =
         "Prints every field of FILE without judging it. Understood are SNP reports, SGX "
         "and TDX quotes, certification requests, certificates, revocation lists, and "
         "Intel's TCB infos and enclave identities, in DER, PEM or JSON.",
     .options = json_options,
     .examples = show_examples,
     .run = command_evidence_show},
    {.path = "evidence verify",
     .operands = "FILE",
     .operands_min = 1,
     .operands_max = 1,
     .operand_kind = VALUE_FILE,
     .summary = "Judge a report, quote, certification request or certificate",
     .description =
         "Verifies every signature, certificate, revocation list and version, and compares what "
         "the "
         "evidence says with a policy. What FILE is, and which parts of DIR are needed, is found "
         "out by looking at the content. Nothing is fetched.\n\n"
         "The exit status is 0 if the evidence is accepted, 1 if it is refused, and 120 or above "
         "if it could not be judged. Each refusal has a code that does not change between "
         "versions; docs/evidence.md lists them.",
     .options = verify_options,
     .examples = verify_examples,
     .run = command_evidence_verify},
    {.path = "platform",
     .operands = "",
     .summary = "Find out what this machine can do; fetch what vouches for its evidence",
     .description = "The commands of this group look at the machine, or fill a directory with what "
                    "the vendors of processors publish."},
    {.path = "platform info",
     .operands = "",
     .summary = "Show which Keeps this machine can build, and what is missing for the others",
     .description = "Prints for each backend whether it can be used, what it protects from whom, "
                    "and what was found on the machine.",
     .options = json_options,
     .examples = info_examples,
     .run = command_platform_info},
    {.path = "platform snp",
     .operands = "",
     .summary = "Fetch what vouches for AMD's processors",
     .description = "What AMD's Key Distribution Service answers is judged before it is kept: "
                    "signatures, dates, and that it is what was asked for."},
    {.path = "platform snp cache-crl",
     .operands = "",
     .summary = "Fetch AMD's revocation lists into a directory",
     .description =
         "Fetches the lists of Milan, Genoa and Turin. A list that is older than the one "
         "in the directory is not kept.",
     .options = fetch_options,
     .examples = snp_crl_examples,
     .run = command_platform_snp_cache_crl},
    {.path = "platform snp cache-vek",
     .operands = "REPORT",
     .operands_min = 1,
     .operands_max = 1,
     .operand_kind = VALUE_FILE,
     .summary = "Fetch the VCEK certificate of an SNP report into a directory",
     .description =
         "Asks for the certificate of the chip and the TCB that REPORT names, and prints "
         "the name of the file, for `enarx evidence verify --vek`. The service learns "
         "which chip it is.",
     .options = fetch_options,
     .examples = snp_vek_examples,
     .run = command_platform_snp_cache_vek},
    {.path = "platform sgx",
     .operands = "",
     .summary = "Fetch what vouches for Intel's processors, for SGX and TDX",
     .description =
         "What Intel's Provisioning Certification Service answers is judged before it is "
         "kept: signatures, dates, and that it is what was asked for."},
    {.path = "platform sgx cache-crl",
     .operands = "",
     .summary = "Fetch Intel's revocation lists into a directory",
     .description = "Fetches the lists of the root and of both authorities for PCK certificates. A "
                    "list that is older than the one in the directory is not kept.",
     .options = fetch_options,
     .examples = sgx_crl_examples,
     .run = command_platform_sgx_cache_crl},
    {.path = "platform sgx cache-tcb",
     .operands = "FMSPC|QUOTE",
     .operands_min = 1,
     .operands_max = 1,
     .operand_kind = VALUE_FILE,
     .summary = "Fetch TCB info and enclave identity for a platform into a directory",
     .description = "Fetches the TCB info for an FMSPC, which is 12 hexadecimal digits, or for the "
                    "one of a quote; the identity of the quoting enclave; and the root's "
                    "revocation list.",
     .options = fetch_tcb_options,
     .examples = sgx_tcb_examples,
     .run = command_platform_sgx_cache_tcb},
    {.path = "user",
     .operands = "",
     .summary = "Log in; register with a Drawbridge",
     .description = "A Drawbridge is a repository for packages. People have users there, and log "
                    "in through an OpenID provider."},
    {.path = "user login",
     .operands = "",
     .summary = "Log in through an OpenID provider",
     .description = "Lets a person log in with a browser and keeps the access token: with the "
                    "credential helper, which is called as `PROGRAM insert ID` and `PROGRAM show "
                    "ID`, or else in a file of mode 0600 below $XDG_DATA_HOME/enarx/tokens.\n\nIn "
                    "a file there is a refresh token as well, if the provider offers the scope "
                    "offline_access. Commands that need the access token then renew it when less "
                    "than a minute is left of it. A credential helper gets no refresh token.\n\nA "
                    "client that has a secret takes it from the variable ENARX_OIDC_CLIENT_SECRET.",
     .options = login_options,
     .examples = login_examples,
     .run = command_user_login},
    {.path = "user logout",
     .operands = "",
     .summary = "Remove the tokens that login has kept",
     .description = "Removes the file with the tokens and tells the provider to revoke them, if it "
                    "has a service for that; when it does not answer, a warning says so. An access "
                    "token that the provider does not revoke, as most that are JSON Web Tokens, is "
                    "valid until it expires. What a credential helper keeps has to be removed with "
                    "its own means.",
     .options = logout_options,
     .run = command_user_logout},
    {.path = "user register",
     .operands = "[HOST/]USER",
     .operands_min = 1,
     .operands_max = 1,
     .summary = "Register a user",
     .description =
         "The user belongs to the subject of the access token. Log in first.\n\nThe token is "
         "looked for in --token-file, --insecure-auth-token, the variable ENARX_TOKEN, and where "
         "`enarx user login` keeps it. What everybody may read needs none.",
     .options = store_options,
     .run = command_user_register},
    {.path = "user info",
     .operands = "[HOST/]USER",
     .operands_min = 1,
     .operands_max = 1,
     .summary = "Show a user, which has to be one's own",
     .description = "Prints the subject to which the user belongs.\n\nThe token is looked for in "
                    "--token-file, --insecure-auth-token, the variable ENARX_TOKEN, and where "
                    "`enarx user login` keeps it. What everybody may read needs none.",
     .options = store_options,
     .run = command_user_info},
    {.path = "repo",
     .operands = "",
     .summary = "Work with the repositories of a Drawbridge",
     .description = "A repository has the tags of one package."},
    {.path = "repo register",
     .operands = "[HOST/]USER/REPO",
     .operands_min = 1,
     .operands_max = 1,
     .summary = "Make a repository",
     .description = "A repository is public unless --private is given.\n\nThe token is looked for "
                    "in --token-file, --insecure-auth-token, the variable ENARX_TOKEN, and where "
                    "`enarx user login` keeps it. What everybody may read needs none.",
     .options = repo_register_options,
     .run = command_repo_register},
    {.path = "repo info",
     .operands = "[HOST/]USER/REPO",
     .operands_min = 1,
     .operands_max = 1,
     .summary = "Show a repository and its tags",
     .description =
         "Prints whether it is public, and its tags without those that are yanked.\n\nThe token is "
         "looked for in --token-file, --insecure-auth-token, the variable ENARX_TOKEN, and where "
         "`enarx user login` keeps it. What everybody may read needs none.",
     .options = store_options,
     .run = command_repo_info},
    {.path = "repo search",
     .operands = "[TEXT]",
     .operands_min = 0,
     .operands_max = 1,
     .summary = "Find repositories by a part of their name",
     .description =
         "Finds repositories of the Drawbridge of --store-host that may be read, without regard to "
         "case.\n\nThe token is looked for in --token-file, --insecure-auth-token, the variable "
         "ENARX_TOKEN, and where `enarx user login` keeps it. What everybody may read needs none.",
     .options = search_options,
     .run = command_repo_search},
    {.path = "repo yank",
     .operands = "[HOST/]USER/REPO",
     .operands_min = 1,
     .operands_max = 1,
     .summary = "Yank all tags of a repository",
     .description =
         "Tags that are yanked are no longer listed, and who fetches one is warned.\n\nThe token "
         "is looked for in --token-file, --insecure-auth-token, the variable ENARX_TOKEN, and "
         "where `enarx user login` keeps it. What everybody may read needs none.",
     .options = yank_options,
     .run = command_repo_yank},
    {.path = "repo grant",
     .operands = "[HOST/]USER/REPO [USER]",
     .operands_min = 1,
     .operands_max = 2,
     .summary = "Let others use a repository; without USER, list who may",
     .description =
         "A grant lets another user of the same Drawbridge read a private repository, or publish "
         "in it.\n\nThe token is looked for in --token-file, --insecure-auth-token, the variable "
         "ENARX_TOKEN, and where `enarx user login` keeps it. What everybody may read needs none.",
     .options = grant_options,
     .examples = grant_examples,
     .run = command_repo_grant},
    {.path = "repo token",
     .operands = "",
     .summary = "Work with deployment tokens",
     .description =
         "A deployment token lets a machine read a repository, or publish in it, for some time."},
    {.path = "repo token generate",
     .operands = "[HOST/]USER/REPO",
     .operands_min = 1,
     .operands_max = 1,
     .summary = "Make a deployment token",
     .description = "Prints the token, which cannot be shown again.\n\nThe token is looked for in "
                    "--token-file, --insecure-auth-token, the variable ENARX_TOKEN, and where "
                    "`enarx user login` keeps it. What everybody may read needs none.",
     .options = generate_options,
     .examples = generate_token_examples,
     .run = command_repo_token_generate},
    {.path = "repo token info",
     .operands = "[HOST/]USER/REPO [ID]",
     .operands_min = 1,
     .operands_max = 2,
     .summary = "Show the deployment tokens of a repository, or one of them",
     .description = "Prints names, scopes and dates; never the tokens themselves.\n\nThe token is "
                    "looked for in --token-file, --insecure-auth-token, the variable ENARX_TOKEN, "
                    "and where `enarx user login` keeps it. What everybody may read needs none.",
     .options = store_options,
     .run = command_repo_token_info},
    {.path = "repo token revoke",
     .operands = "[HOST/]USER/REPO ID",
     .operands_min = 2,
     .operands_max = 2,
     .summary = "Revoke a deployment token",
     .description = "The token is refused from then on.\n\nThe token is looked for in "
                    "--token-file, --insecure-auth-token, the variable ENARX_TOKEN, and where "
                    "`enarx user login` keeps it. What everybody may read needs none.",
     .options = store_options,
     .run = command_repo_token_revoke},
    {.path = "package",
     .operands = "",
     .summary = "Publish and fetch packages",
     .description = "A package is a WebAssembly module with its Enarx.toml, named by a tag and by "
                    "its digest."},
    {.path = "package publish",
     .operands = "[HOST/]USER/REPO:TAG PATH",
     .operands_min = 2,
     .operands_max = 2,
     .operand_kind = VALUE_FILE,
     .summary = "Publish a file or a directory as a package",
     .description = "PATH is main.wasm, or a directory with main.wasm and Enarx.toml. What is "
                    "there already with the same content is passed over: a publication that broke "
                    "off is completed by repeating it. A tag is never replaced. The Steward that "
                    "its Enarx.toml names becomes known to everybody, with the digest, for "
                    "`enarx deploy`.\n\nThe token is "
                    "looked for in --token-file, --insecure-auth-token, the variable ENARX_TOKEN, "
                    "and where `enarx user login` keeps it. What everybody may read needs none.",
     .options = publish_options,
     .examples = publish_examples,
     .run = command_package_publish},
    {.path = "package fetch",
     .operands = "[HOST/]USER/REPO:TAG DESTINATION",
     .operands_min = 2,
     .operands_max = 2,
     .operand_kind = VALUE_DIRECTORY,
     .summary = "Fetch a package and verify it",
     .description =
         "DESTINATION must not exist; it becomes a directory, or a file if the package is a single "
         "one, and only after everything was compared with the digests of the tag.\n\nThe token is "
         "looked for in --token-file, --insecure-auth-token, the variable ENARX_TOKEN, and where "
         "`enarx user login` keeps it. What everybody may read needs none.",
     .options = store_options,
     .examples = package_fetch_examples,
     .run = command_package_fetch},
    {.path = "package info",
     .operands = "[HOST/]USER/REPO:TAG",
     .operands_min = 1,
     .operands_max = 1,
     .summary = "Show digests, length and type of a package",
     .description = "Prints what the tag says about the root of the package.\n\nThe token is "
                    "looked for in --token-file, --insecure-auth-token, the variable ENARX_TOKEN, "
                    "and where `enarx user login` keeps it. What everybody may read needs none.",
     .options = store_options,
     .run = command_package_info},
    {.path = "package yank",
     .operands = "[HOST/]USER/REPO:TAG",
     .operands_min = 1,
     .operands_max = 1,
     .summary = "Yank a tag",
     .description =
         "A tag that is yanked is no longer listed, and who fetches it is warned.\n\nThe token is "
         "looked for in --token-file, --insecure-auth-token, the variable ENARX_TOKEN, and where "
         "`enarx user login` keeps it. What everybody may read needs none.",
     .options = yank_options,
     .run = command_package_yank},
    {.path = "package sign",
     .operands = "[HOST/]USER/REPO:TAG",
     .operands_min = 1,
     .operands_max = 1,
     .summary = "Sign a tag",
     .description = "Adds a signature (ES256) over the tag, and so over the whole package. Prints "
                    "the thumbprint of the key (RFC 7638).\n\nThe token is looked for in "
                    "--token-file, --insecure-auth-token, the variable ENARX_TOKEN, and where "
                    "`enarx user login` keeps it. What everybody may read needs none.",
     .options = sign_options,
     .examples = package_sign_examples,
     .run = command_package_sign},
    {.path = "package verify",
     .operands = "[HOST/]USER/REPO:TAG [PATH]",
     .operands_min = 1,
     .operands_max = 2,
     .operand_kind = VALUE_FILE,
     .summary = "Verify who signed a tag; compare it with a file or directory",
     .description =
         "Verifies all signatures of the tag. With --signer one of these keys has to have signed; "
         "with PATH its digests have to be those of the tag. The exit status is 0 if all of that "
         "is so, 1 if not, and 120 or above if it could not be found out.\n\nThe token is looked "
         "for in --token-file, --insecure-auth-token, the variable ENARX_TOKEN, and where `enarx "
         "user login` keeps it. What everybody may read needs none.",
     .options = package_verify_options,
     .run = command_package_verify},
    {.path = "tree",
     .operands = "",
     .summary = "Look into packages",
     .description =
         "The tree of a package has files and directories; each is named by its digests."},
    {.path = "tree digest",
     .operands = "PATH",
     .operands_min = 1,
     .operands_max = 1,
     .operand_kind = VALUE_FILE,
     .summary = "Compute the digests of a file or directory",
     .description = "Prints what a tag of PATH would say. Nothing is sent.",
     .options = json_options,
     .examples = digest_examples,
     .run = command_tree_digest},
    {.path = "tree info",
     .operands = "[HOST/]USER/REPO:TAG [NODE]",
     .operands_min = 1,
     .operands_max = 2,
     .summary = "List the files of a package",
     .description = "Fetches and verifies the directories, and prints what they say about NODE, or "
                    "about the root, and everything below.\n\nThe token is looked for in "
                    "--token-file, --insecure-auth-token, the variable ENARX_TOKEN, and where "
                    "`enarx user login` keeps it. What everybody may read needs none.",
     .options = store_options,
     .run = command_tree_info},
    {.path = "tree fetch",
     .operands = "[HOST/]USER/REPO:TAG NODE DESTINATION",
     .operands_min = 3,
     .operands_max = 3,
     .summary = "Fetch one file or directory of a package",
     .description =
         "DESTINATION must not exist. Everything from the tag down to NODE is verified.\n\nThe "
         "token is looked for in --token-file, --insecure-auth-token, the variable ENARX_TOKEN, "
         "and where `enarx user login` keeps it. What everybody may read needs none.",
     .options = store_options,
     .run = command_tree_fetch},
    {.path = "unstable",
     .operands = "",
     .hidden = true,
     .summary = "Commands that may change or go",
     .description = "These commands serve the development of Enarx."},
    {.path = "unstable exec",
     .operands = "BINARY [ARGS…]",
     .operands_min = 1,
     .passes_operands = true,
     .operand_kind = VALUE_FILE,
     .summary = "Run a static-PIE ELF program as the exec of a Keep",
     .description = "Runs BINARY in place of the built-in exec, with stdin, stdout and stderr and "
                    "with an empty environment.",
     .options = exec_options,
     .examples = exec_examples,
     .run = command_exec},
    {.path = "version",
     .operands = "",
     .summary = "Print the version",
     .description = "Prints the version, and with --json also how this program was built.",
     .options = json_options,
     .run = command_version},
    {.path = "help",
     .operands = "[COMMAND…]",
     .operands_max = 4,
     .summary = "Print help about a command",
     .description = "Prints the same text as the option --help of the command.",
     .run = command_help},
    {.path = "generate",
     .operands = "man DIRECTORY | completion SHELL",
     .operands_min = 2,
     .operands_max = 2,
     .hidden = true,
     .summary = "Write man pages (scdoc) or a shell completion; used by the build",
     .description = "SHELL is bash, zsh or fish; the completion goes to stdout.",
     .run = command_generate},
    {0},
};
