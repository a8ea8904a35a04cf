//! YAML 1.2. Plain scalars keep the letters they were written with: `0123` is an id and not a number.

use super::node::Node;
use crate::config::find_key::key_for_message;
use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use std::collections::{BTreeMap, HashMap};

/// No configuration nests deeper.
const MAX_DEPTH: usize = 64;
/// How many nodes and bytes of text all anchors and aliases together may add to the tree. A few lines of aliases of
/// aliases can stand for gigabytes.
const MAX_COPIED: usize = 256 * 1024;

/// Several documents in one file are a list of them.
pub(super) fn parse(text: &str) -> Result<Node, String> {
    let mut tree = Tree::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            let (line, column) = (error.marker().line(), error.marker().col() + 1);
            let braces = text.lines().nth(line.saturating_sub(1)).is_some_and(|line| line.contains("${"));
            let hint = if braces { " (between braces or brackets, ${NAME} needs quotes)" } else { "" };
            format!("line {line}, column {column} is not valid YAML{hint}")
        })?;
        tree.add(event).map_err(|what| at(span, &what))?;
    }
    tree.documents.retain(|document| !matches!(document, Node::Nothing));
    Ok(match tree.documents.len() {
        0 | 1 => tree.documents.pop().unwrap_or(Node::Nothing),
        _ => Node::List(tree.documents),
    })
}

fn at(span: Span, what: &str) -> String {
    format!("line {}: {what}", span.start.line())
}

#[derive(Default)]
struct Tree {
    documents: Vec<Node>,
    open: Vec<(Open, usize)>,
    anchors: HashMap<usize, Node>,
    copied: usize,
}

/// A list or a map whose end has not come yet; the number beside it is its anchor, 0 for none.
enum Open {
    List(Vec<Node>),
    /// With the key whose value comes next.
    Map(BTreeMap<String, Node>, Option<String>),
}

impl Tree {
    fn add(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain && tag.is_none();
                self.place(if plain { from_plain(&text) } else { Node::text(text) }, anchor)
            }
            Event::SequenceStart(anchor, _) => self.open(Open::List(Vec::new()), anchor),
            Event::MappingStart(anchor, _) => self.open(Open::Map(BTreeMap::new(), None), anchor),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some((Open::List(items), anchor)) => self.place(Node::List(items), anchor),
                Some((Open::Map(map, _), anchor)) => self.place(Node::Map(map), anchor),
                None => Ok(()),
            },
            Event::Alias(anchor) => {
                let meant = self.anchors.get(&anchor).ok_or("an alias stands for what it is in itself")?;
                let node = meant.clone();
                self.charge(&node)?;
                self.place(node, 0)
            }
            _ => Ok(()),
        }
    }

    fn open(&mut self, what: Open, anchor: usize) -> Result<(), String> {
        if self.open.len() >= MAX_DEPTH {
            return Err(format!("nested deeper than {MAX_DEPTH} levels"));
        }
        self.open.push((what, anchor));
        Ok(())
    }

    fn place(&mut self, node: Node, anchor: usize) -> Result<(), String> {
        if anchor > 0 {
            self.charge(&node)?;
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut() {
            None => self.documents.push(node),
            Some((Open::List(items), _)) => items.push(node),
            Some((Open::Map(map, pending), _)) => match (pending.take(), node) {
                (Some(key), node) => {
                    if map.contains_key(&key) {
                        return Err(format!("key {} is there twice", key_for_message(&key)));
                    }
                    map.insert(key, node);
                }
                (None, Node::Text(key)) => *pending = Some(key.to_string()),
                (None, _) => return Err("a key that is no text".to_owned()),
            },
        }
        Ok(())
    }

    /// Accounts for one more copy of it, made before or after: what is copied is smaller than the budget.
    fn charge(&mut self, node: &Node) -> Result<(), String> {
        let (weight, depth) = measure(node);
        self.copied = self.copied.saturating_add(weight);
        if self.copied > MAX_COPIED || depth + self.open.len() > MAX_DEPTH {
            return Err("anchors and aliases stand for more than a configuration can need".to_owned());
        }
        Ok(())
    }
}

/// The nodes and bytes of text of a tree, and how deep it nests.
fn measure(node: &Node) -> (usize, usize) {
    let all = |nodes: &mut dyn Iterator<Item = &Node>| {
        nodes.map(measure).fold((1, 1), |(weight, depth), (w, d)| (weight + w, depth.max(d + 1)))
    };
    match node {
        Node::List(items) => all(&mut items.iter()),
        Node::Map(map) => {
            let (weight, depth) = all(&mut map.values());
            (weight + map.keys().map(String::len).sum::<usize>(), depth)
        }
        Node::Text(text) => (1 + text.len(), 0),
        Node::Nothing | Node::Float(_) => (1, 0),
    }
}

fn from_plain(text: &str) -> Node {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Node::Nothing,
        "true" | "True" | "TRUE" => Node::text("true"),
        "false" | "False" | "FALSE" => Node::text("false"),
        _ => Node::text(text),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::draw;
    use super::*;
    use std::fmt::Write as _;

    fn drawing(text: &str) -> Result<String, String> {
        parse(text).map(|node| draw(&node))
    }

    #[test]
    fn scalars_keep_their_letters() {
        let text = "a: 0123\nb: 1.10\nc: yes\nd: ~\ne: 'null'\nf:\ng: !!str null\nh: ${NAME}\ni: |\n  x\n";
        let tree = "{a=0123 b=1.10 c=yes d=- e=null f=- g=null h=${NAME} i=x\n}";
        assert_eq!(drawing(text).as_deref(), Ok(tree));
    }

    #[test]
    fn a_name_in_braces_within_braces_needs_quotes() {
        assert_eq!(drawing("{a: '${NAME}'}").as_deref(), Ok("{a=${NAME}}"));
        assert!(drawing("b: 1\na: {a: ${NAME}}").unwrap_err().contains("${NAME} needs quotes"));
        assert!(!drawing("b: {\n").unwrap_err().contains("quotes"));
    }

    #[test]
    fn several_documents_are_a_list() {
        assert_eq!(drawing("---\na: 1\n---\nb: 2\n---\n").as_deref(), Ok("[{a=1} {b=2}]"));
        assert_eq!(drawing("---\na: 1\n...\n").as_deref(), Ok("{a=1}"));
        assert_eq!(drawing("# nothing\n").as_deref(), Ok("-"));
    }

    #[test]
    fn an_alias_is_a_copy() {
        let text = "base: &b\n  x: &x 1\n  y: [*x]\nuse: *b\n";
        assert_eq!(drawing(text).as_deref(), Ok("{base={x=1 y=[1]} use={x=1 y=[1]}}"));
        assert!(drawing("a: &a [*a]").unwrap_err().contains("line 1"));
    }

    #[test]
    fn a_bomb_of_aliases_is_refused_in_no_time() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..40 {
            let below = format!("*a{}, ", level - 1).repeat(10);
            writeln!(bomb, "a{level}: &a{level} [{below}]").unwrap();
        }
        assert!(drawing(&bomb).unwrap_err().contains("aliases"));
        let nested = format!("{}x{}", "&a [".repeat(60), "]".repeat(60));
        assert!(drawing(&nested).is_ok(), "{:?}", drawing(&nested));
        let deeper: String = (1..9).fold("a0: &a0 [x]\n".to_owned(), |text, level| {
            let (open, close) = ("[".repeat(20), "]".repeat(20));
            format!("{text}a{level}: &a{level} {open}*a{}{close}\n", level - 1)
        });
        assert!(drawing(&deeper).is_err());
    }

    #[test]
    fn keys_are_texts() {
        assert!(drawing("? [a]\n: b").unwrap_err().contains("line 1"));
        assert!(drawing("~: b").is_err());
    }
}
