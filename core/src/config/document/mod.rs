//! The text of a configuration file as a tree, whatever its format.
//!
//! The parsers' own messages quote what they read, which may be a secret. Ours name only the place.

mod json;
mod node;
mod toml;
mod yaml;

pub(super) use node::Node;

use std::path::Path;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Toml,
    Yaml,
}

impl Format {
    /// By the extension, as every editor does.
    pub(super) fn by_extension(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "json" => Some(Self::Json),
            "toml" => Some(Self::Toml),
            "yaml" | "yml" => Some(Self::Yaml),
            _ => None,
        }
    }

    /// The tree; or what is wrong with the text and where, in words that show nothing of the text but its keys.
    pub(super) fn parse(self, text: &str) -> Result<Node, String> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        match self {
            Self::Json => json::parse(text),
            Self::Toml => toml::parse(text),
            Self::Yaml => yaml::parse(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One line for a tree, for comparing.
    pub(super) fn draw(node: &Node) -> String {
        match node {
            Node::Nothing => "-".to_owned(),
            Node::Text(text) => text.to_string(),
            Node::Float(number) => format!("~{number}"),
            Node::List(items) => format!("[{}]", items.iter().map(draw).collect::<Vec<_>>().join(" ")),
            Node::Map(map) => {
                let pairs = map.iter().map(|(key, value)| format!("{key}={}", draw(value)));
                format!("{{{}}}", pairs.collect::<Vec<_>>().join(" "))
            }
        }
    }

    #[test]
    fn the_formats_say_the_same() {
        let drawing = "{a={b=text c=true d=30000} e=[1 two]}";
        let json = r#"{"a": {"b": "text", "c": true, "d": 30000}, "e": [1, "two"]}"#;
        let toml = "e = [1, 'two']\n[a]\nb = \"text\"\nc = true\nd = 30_000\n";
        let yaml = "\u{feff}a:\n  b: text\n  c: True\n  d: 30000\ne: [1, 'two']\n";
        for (format, text) in
            [(Format::Json, json), (Format::Toml, toml), (Format::Yaml, yaml), (Format::Yaml, json)]
        {
            assert_eq!(format.parse(text).map(|node| draw(&node)).as_deref(), Ok(drawing), "{format:?}");
        }
    }

    #[test]
    fn a_fault_is_told_by_its_line_and_never_by_its_text() {
        for (format, text) in [
            (Format::Json, "{\n\"client_secret\": hunter2\n}"),
            (Format::Json, "{\n\"client_secret\": \"hunter2\" \"hunter2\"\n}"),
            (Format::Toml, "\nclient_secret = hunter2\n"),
            (Format::Toml, "\nclient_secret = \"hunter2\n"),
            (Format::Yaml, "a: 1\nclient_secret: \"hunter2\" hunter2\n"),
            (Format::Yaml, "a: 1\nclient_secret: *hunter2\n"),
            (Format::Yaml, "a: 1\nclient_secret: !hunter2!x y\n"),
        ] {
            let reason = format.parse(text).err().unwrap_or_else(|| panic!("accepted: {text}"));
            assert!(reason.contains("line 2") && !reason.contains("hunter2"), "{format:?}: {reason}");
        }
    }

    #[test]
    fn a_key_is_there_once() {
        for (format, text) in [
            (Format::Json, "{\"a\": 1,\n\"a\": 2}"),
            (Format::Toml, "a = 1\na = 2"),
            (Format::Yaml, "a: 1\na: 2"),
        ] {
            let reason = format.parse(text).err().unwrap();
            assert!(reason.contains("line 2"), "{format:?}: {reason}");
        }
    }

    #[test]
    fn the_extension_tells_the_format() {
        let of = |path: &str| Format::by_extension(Path::new(path));
        assert_eq!(of("/etc/app.json"), Some(Format::Json));
        assert_eq!(of("app.YAML"), Some(Format::Yaml));
        assert_eq!(of("app.yml"), Some(Format::Yaml));
        assert_eq!(of("app.conf.toml"), Some(Format::Toml));
        assert_eq!((of("app.ini"), of("json"), of("app.")), (None, None, None));
    }

    #[test]
    fn no_nesting_ends_the_process() {
        const DEEP: usize = 200_000;
        let deep = |open: &str| open.repeat(DEEP);
        for (format, text) in [
            (Format::Json, deep("[")),
            (Format::Json, deep("{\"a\":")),
            (Format::Toml, format!("a = {}", deep("["))),
            (Format::Toml, format!("{}a = 1", deep("a."))),
            (Format::Toml, format!("[{}a]", deep("a."))),
            (Format::Toml, format!("a = {}", deep("{a="))),
            (Format::Yaml, deep("[")),
            (Format::Yaml, deep("- ")),
            (Format::Yaml, deep("{a: ")),
            (Format::Yaml, deep("? ")),
        ] {
            assert!(format.parse(&text).is_err(), "{format:?} {}", &text[..20]);
        }
    }

    /// For how long this thread has computed, on a system that says so: not for how long others have kept it from that.
    fn computed() -> Option<std::time::Duration> {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        Some(std::time::Duration::from_nanos(text.split(' ').next()?.parse().ok()?))
    }

    /// A parser in quadratic time would be busy for hours; the limit is far from any slow machine's time.
    #[test]
    fn no_file_of_the_permitted_size_keeps_a_parser_busy() {
        let (start, before) = (std::time::Instant::now(), computed());
        let fill = |head: &str, piece: &str| format!("{head}{}", piece.repeat((1 << 20) / piece.len()));
        for head in ["", "[", "{"] {
            for piece in ["- a\n", "a: b\n", "&a ", "?", "'", "[],"] {
                drop(Format::Yaml.parse(&fill(head, piece)));
            }
        }
        let numbered = |line: &dyn Fn(usize) -> String| (0..40_000).map(line).collect::<String>();
        for text in [
            fill("a = [", "1,"),
            fill("", "[[a]]\n"),
            numbered(&|n| format!("[a.b{n}]\n")),
            numbered(&|n| format!("a.b{n} = 1\n")),
        ] {
            drop(Format::Toml.parse(&text));
        }
        drop(Format::Json.parse(&fill("[", "{\"a\":1},")));
        let took = computed().zip(before).map_or_else(|| start.elapsed(), |(now, before)| now - before);
        assert!(took.as_secs() < 120, "{took:?}");
    }
}
