//! Reading YAML by its nodes, so that every complaint names a line.

use yaml_rust2::parser::{Event, MarkedEventReceiver, Parser};
use yaml_rust2::scanner::{Marker, TScalarStyle};

use crate::study_file::StudyFileError;

/// A YAML value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) content: Content,
    line: usize,
    column: usize,
}

#[derive(Clone, Debug)]
pub(crate) enum Content {
    Scalar {
        text: String,
        plain: bool,
    },
    List(Vec<Node>),
    /// In the file's order: that of the parameters is the order of tables.
    Mapping(Vec<(Node, Node)>),
}

impl Node {
    /// A complaint about this place. `path`: the keys that lead to it.
    pub(crate) fn mistake(&self, path: &str, message: impl Into<String>) -> StudyFileError {
        let message = message.into();
        let message = if path.is_empty() { message } else { format!("{path}: {message}") };
        StudyFileError { file: String::new(), line: self.line, column: self.column, message }
    }

    /// What stands here, for complaints.
    pub(crate) fn shown(&self) -> String {
        match &self.content {
            Content::Mapping(_) => "a mapping".to_owned(),
            Content::List(_) => "a list".to_owned(),
            Content::Scalar { text, .. } if text.is_empty() => "nothing".to_owned(),
            Content::Scalar { text, .. } => format!("{text:?}"),
        }
    }
}

/// The root of the first document.
pub(crate) fn parse(text: &str) -> Result<Node, StudyFileError> {
    let mut tree = Tree::default();
    let parsed = Parser::new_from_str(text).load(&mut tree, false);
    if let Err(error) = parsed {
        let mark = error.marker();
        return Err(StudyFileError {
            file: String::new(),
            line: mark.line(),
            column: mark.col() + 1,
            message: error.info().to_owned(),
        });
    }
    let nothing = StudyFileError { file: String::new(), line: 0, column: 0, message: "is empty".to_owned() };
    tree.root
        .filter(|root| !matches!(&root.content, Content::Scalar { text, plain: true } if text == "~"))
        .ok_or(nothing)
}

/// Builds nodes from the parser's events.
#[derive(Default)]
struct Tree {
    root: Option<Node>,
    /// Lists and mappings that are not finished, with the anchor's number (0 = none) and a key that waits for its value.
    open: Vec<(Node, usize, Option<Node>)>,
    anchors: Vec<(usize, Node)>,
}

impl MarkedEventReceiver for Tree {
    fn on_event(&mut self, event: Event, mark: Marker) {
        let node = |content| Node { content, line: mark.line(), column: mark.col() + 1 };
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let plain = style == TScalarStyle::Plain;
                self.add(node(Content::Scalar { text, plain }), anchor);
            }
            Event::SequenceStart(anchor, _) => self.open.push((node(Content::List(Vec::new())), anchor, None)),
            Event::MappingStart(anchor, _) => self.open.push((node(Content::Mapping(Vec::new())), anchor, None)),
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some((node, anchor, _)) = self.open.pop() {
                    self.add(node, anchor);
                }
            }
            Event::Alias(anchor) => {
                let known = self.anchors.iter().find(|(number, _)| *number == anchor).map(|(_, node)| node.clone());
                let missing = || node(Content::Scalar { text: String::new(), plain: true });
                self.add(known.unwrap_or_else(missing), 0);
            }
            _ => {}
        }
    }
}

impl Tree {
    fn add(&mut self, node: Node, anchor: usize) {
        if anchor > 0 {
            self.anchors.push((anchor, node.clone()));
        }
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some((Node { content: Content::List(items), .. }, ..)) => items.push(node),
            Some((Node { content: Content::Mapping(entries), .. }, _, key)) => match key.take() {
                None => *key = Some(node),
                Some(key) => entries.push((key, node)),
            },
            Some((Node { content: Content::Scalar { .. }, .. }, ..)) => {} // scalars are never open
        }
    }
}
