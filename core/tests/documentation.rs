//! `docs/configuration.md` is rendered from the table of keys; this test fails when the two differ.
//!
//! `ENTRAKEY_UPDATE=1 cargo test -p entrakey-core` writes it anew.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use entrakey_core::{KEYS, Key, KeyType};
use std::fmt::Write as _;
use std::path::Path;

const HEAD: &str = "# Configuration keys

Generated from `core/src/config/keys.rs`. The keys are the same in every language (camelCase in Node.js). A value
set in code wins over the variable `ENTRAKEY_<KEY>`, which wins over Azure's own variable, which wins over the
configuration file, which wins over the default. An empty variable counts as one that is not set. The environment
and the file are read once, when a provider is made.

## A configuration file

`config_file` (or `ENTRAKEY_CONFIG_FILE`) names a JSON, YAML or TOML file; its extension (`.json`, `.yaml`, `.yml`,
`.toml`) tells which. A relative path starts at the working directory. The file holds the keys below, in snake_case
and flat; or, if it is a file that others share, under one table `entrakey`, and then the rest of it is not looked at.

```yaml
identity: service_principal
tenant_id: ${TENANT}
client_id: 11111111-2222-3333-4444-555555555555
client_secret_path: /run/secrets/redis
```

- `${NAME}` in a value stands for that environment variable. One that is not set is an error. What a variable holds is
  not expanded again.
- `$${` is a literal `${`. Any other `$`, as in `$NAME` or `pa$5word`, is itself.
- This is so in files only: a value from code or from the environment is taken as it is.
- In YAML, between `{` and `}` or `[` and `]`, a text with `${NAME}` in it needs quotes; in JSON and TOML every text does.
- Wrong keys, wrong values, keys that are there twice, files of more than 1 MiB are errors; none of them shows a value.

## A secret store's entry

The file may instead be a document of a secret store with entries of `type: AzureEntraIdAuth`: one entry, or a list of
them anywhere in the document. Then nothing else in it is looked at. `config_entry` is the `id` of the entry to use;
without it the entry with `isDefault: true` is used, or the only one there is.

```yaml
- id: redis
  type: AzureEntraIdAuth
  isDefault: true
  details:
    auth:
      tenantID: ${AZURE_ENTRA_ID_AUTH_TENANT_ID}
      clientID: ${AZURE_ENTRA_ID_AUTH_CLIENT_ID}
      clientSecret: ${AZURE_ENTRA_ID_AUTH_CLIENT_SECRET}
      certPath: ${AZURE_ENTRA_ID_AUTH_CERT_PATH}
      keyPath: ${AZURE_ENTRA_ID_AUTH_KEY_PATH}
```

Here a field that is a variable which is not set counts as left out, and the fields that remain decide:

| there are | that is |
|---|---|
| `tenantID`, `clientID`, `clientSecret` | a service principal with a secret |
| `tenantID`, `clientID`, `certPath`, `keyPath` | a service principal with a certificate |
| `clientID`, and neither a secret nor a certificate | that user-assigned managed identity |
| none of these | the system-assigned managed identity |

Both a secret and a certificate, or half of either, is an error that says which variables to set or to unset. As
anything in a file, what the entry says gives way to code and to `ENTRAKEY_CLIENT_ID` and its like. Azure's own variables
(`AZURE_CLIENT_ID` and its like) are not read beside an entry: they may be some other application's.

## The keys

Times are caps: they hold for tokens of 20 minutes and more, and shrink with shorter-lived ones.

| key | type | default | Azure's variable | meaning |
|---|---|---|---|---|
";

fn row(key: &Key) -> String {
    let code = |text: &str| if text.is_empty() { String::new() } else { format!("`{text}`") };
    let kind = match key.kind {
        KeyType::Text => "text".to_owned(),
        KeyType::Secret => "text, secret".to_owned(),
        KeyType::Pem => "PEM, secret".to_owned(),
        KeyType::Certificate => "PEM or base64, secret".to_owned(),
        KeyType::Milliseconds(1) => "milliseconds".to_owned(),
        KeyType::Milliseconds(least) => format!("milliseconds, {least} or more"),
        KeyType::Fraction => "0 to 1".to_owned(),
        KeyType::Choice(words) => words.iter().map(|word| code(word)).collect::<Vec<_>>().join(", "),
        KeyType::Boolean => "`true`, `false`".to_owned(),
        _ => "?".to_owned(),
    };
    let (name, default, variable) = (code(key.name), code(key.default), code(key.azure_variable));
    format!("| {name} | {kind} | {default} | {variable} | {} |", key.doc)
}

#[test]
fn the_page_of_keys_is_what_the_table_says() {
    let mut page = HEAD.to_owned();
    KEYS.iter().for_each(|key| writeln!(page, "{}", row(key)).unwrap());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/configuration.md");
    if std::env::var_os("ENTRAKEY_UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &page).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == page,
        "docs/configuration.md is out of date: run ENTRAKEY_UPDATE=1 cargo test -p entrakey-core"
    );
}
