//! From bytes to a tree in which every key and value knows its place.
//!
//! Guarantees: bounded time and memory on any input. The size is checked first, the nesting while events arrive
//! (nothing here or in the event parser recurses), and anchors, aliases and tags are refused, so nothing expands.
//! JSON is read as the subset of YAML that it is.

use std::borrow::Cow;
use std::collections::BTreeSet;

use saphyr::Scalar;
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};

use crate::MAX_BYTES;
use crate::diagnostics::{Mark, Place, Refused, Report};
use crate::shape::shorten;
use crate::source::Source;

/// Deepest nesting; the format itself needs six.
const DEEPEST: usize = 32;

/// One value and where it stands.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) mark: Mark,
    pub(crate) data: Data,
}

/// What a value is.
#[derive(Debug)]
pub(crate) enum Data {
    Null,
    Flag(bool),
    Whole(i64),
    Number(f64),
    Text(String),
    List(Vec<Node>),
    Fields(Vec<Entry>),
}

/// One field of a mapping. Within a mapping each key occurs once.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) mark: Mark,
    pub(crate) value: Node,
}

impl Node {
    /// The place of this node as the whole document.
    pub(crate) fn root_place(&self) -> Place {
        Place::default().at(&self.mark)
    }
}

/// Reads exactly one YAML document.
pub(crate) fn parse(text: &[u8], report: &mut Report) -> Result<Node, Refused> {
    if text.len() > MAX_BYTES {
        return Err(report.refuse(
            &Place::default(),
            format!("the spec is too large: {} bytes, at most {MAX_BYTES}", text.len()),
            "a spec is a page of text; load large scripts from S3 in userData",
        ));
    }
    let source = Source::new(text, report)?;
    let mut builder = Builder {
        source: &source,
        open: Vec::new(),
        root: None,
        report,
    };
    for event in events(&source) {
        match event {
            Ok((event, span)) => builder.take(event, span)?,
            Err(error) => return Err(builder.unreadable(&error)),
        }
    }
    let root = builder.root;
    match root {
        Some(root) if !matches!(root.data, Data::Null) => Ok(root),
        _ => Err(report.refuse(
            &Place::default(),
            "the spec is empty",
            "the shortest spec is `compute: {app: {packages: [nginx]}}`",
        )),
    }
}

/// The parser's events, up to and including the first error.
fn events<'a>(source: &Source<'a>) -> impl Iterator<Item = Result<(Event<'a>, Span), ScanError>> {
    let mut parser = Parser::new_from_str(source.text());
    let mut failed = false;
    std::iter::from_fn(move || {
        let event = if failed { None } else { parser.next_event() };
        failed = matches!(event, Some(Err(_)));
        event
    })
}

/// A collection that is not closed yet.
enum Open {
    List {
        mark: Mark,
        items: Vec<Node>,
    },
    Fields {
        mark: Mark,
        entries: Vec<Entry>,
        seen: BTreeSet<String>,
        key: Option<(String, Mark)>,
    },
}

/// Builds the tree from events, with a stack of its own.
struct Builder<'a> {
    source: &'a Source<'a>,
    open: Vec<Open>,
    root: Option<Node>,
    report: &'a mut Report,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Refused> {
        let mark = self.source.mark(span);
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) => self.document(&mark),
            Event::Alias(_) => Err(self.alias(&mark)),
            Event::SequenceStart(anchor, tag) => {
                self.plain(&mark, anchor, tag.is_some())?;
                self.push(
                    &mark,
                    Open::List {
                        mark: mark.clone(),
                        items: Vec::new(),
                    },
                )
            }
            Event::MappingStart(anchor, tag) => {
                self.plain(&mark, anchor, tag.is_some())?;
                let (entries, seen) = (Vec::new(), BTreeSet::new());
                self.push(
                    &mark,
                    Open::Fields {
                        mark: mark.clone(),
                        entries,
                        seen,
                        key: None,
                    },
                )
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.close(&mark);
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.plain(&mark, anchor, tag.is_some())?;
                self.scalar(text, style, mark);
                Ok(())
            }
        }
    }

    /// Only the first document may start.
    fn document(&mut self, mark: &Mark) -> Result<(), Refused> {
        if self.root.is_none() {
            return Ok(());
        }
        Err(self.report.refuse(
            &Place::default().at(mark),
            "a second document begins here",
            "one file describes one stack: remove the `---`, or put the second spec under a key of its own",
        ))
    }

    /// Refuses what could expand (`&anchor`) or change the type (`!tag`) of a node.
    fn plain(&mut self, mark: &Mark, anchor: usize, tagged: bool) -> Result<(), Refused> {
        let (message, hint) = match (anchor, tagged) {
            (0, false) => return Ok(()),
            (0, true) => (
                "tags (`!name`) are not allowed",
                "write the plain value, without the tag",
            ),
            _ => (
                "anchors (`&name`) are not allowed",
                "write the value out where it is needed",
            ),
        };
        let place = self.place().at(mark);
        Err(self.report.refuse(&place, message, hint))
    }

    fn alias(&mut self, mark: &Mark) -> Refused {
        self.report.refuse(
            &self.place().at(mark),
            "aliases (`*name`) are not allowed",
            "write the value out here; if it is text that begins with `*`, put it in quotes",
        )
    }

    fn push(&mut self, mark: &Mark, open: Open) -> Result<(), Refused> {
        if let Some(Open::Fields { key: None, .. }) = self.open.last() {
            let place = self.place().at(mark);
            return Err(self.report.refuse(
                &place,
                "a field's name must be plain text, not a list or a mapping",
                "text that begins with `{` or `[` needs quotes",
            ));
        }
        if self.open.len() == DEEPEST {
            return Err(self.report.refuse(
                &Place::default().at(mark),
                format!("nested more than {DEEPEST} levels deep"),
                "no field of a spec lies deeper than six levels",
            ));
        }
        self.open.push(open);
        Ok(())
    }

    /// A collection reaches to the mark of its end.
    fn close(&mut self, end: &Mark) {
        let (mark, data) = match self.open.pop() {
            Some(Open::List { mark, items }) => (mark, Data::List(items)),
            Some(Open::Fields { mark, entries, .. }) => (mark, Data::Fields(entries)),
            None => return,
        };
        self.attach(Node {
            mark: self.source.join(&mark, end),
            data,
        });
    }

    /// A scalar is the next key of the open mapping, or a value.
    fn scalar(&mut self, text: Cow<'_, str>, style: ScalarStyle, mark: Mark) {
        if let Some(Open::Fields { key: key @ None, .. }) = self.open.last_mut() {
            *key = Some((text.into_owned(), mark));
        } else {
            self.attach(Node {
                data: resolve(text, style),
                mark,
            });
        }
    }

    /// Puts a finished node where it belongs; of two equal keys the first counts and the second is reported.
    fn attach(&mut self, node: Node) {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Fields {
                entries,
                seen,
                key: open_key,
                ..
            }) => {
                let Some((key, mark)) = open_key.take() else {
                    return;
                };
                if seen.insert(key.clone()) {
                    entries.push(Entry {
                        key,
                        mark,
                        value: node,
                    });
                } else {
                    let message = format!("`{}` is given twice", shorten(&key));
                    let place = self.place().field(&shorten(&key)).at(&mark);
                    self.report.refuse(&place, message, "keep one of the two");
                }
            }
        }
    }

    /// The path to the node that comes next; names that no field has are cut.
    fn place(&self) -> Place {
        self.open.iter().fold(Place::default(), |place, open| match open {
            Open::List { items, .. } => place.item(items.len()),
            Open::Fields {
                key: Some((key, _)), ..
            } => place.field(&shorten(key)),
            Open::Fields { key: None, .. } => place,
        })
    }

    /// What the scanner could not read.
    fn unreadable(&mut self, error: &ScanError) -> Refused {
        let mark = self.source.mark(Span::empty(*error.marker()));
        if self.source.at(&mark).starts_with('*') {
            return self.alias(&mark);
        }
        let hint = if self.source.line(&mark).trim_start_matches(' ').starts_with('\t') {
            "YAML is indented with spaces: replace the tab"
        } else {
            "check the indentation, brackets and quotes here and in the line above"
        };
        let place = Place::default().at(&mark);
        self.report
            .refuse(&place, format!("this is not valid YAML: {}", error.info()), hint)
    }
}

/// A plain scalar may be a number, a boolean or nothing; a quoted or block scalar is text.
fn resolve(text: Cow<'_, str>, style: ScalarStyle) -> Data {
    match Scalar::parse_from_cow_and_metadata(text, style, None) {
        None | Some(Scalar::Null) => Data::Null,
        Some(Scalar::Boolean(flag)) => Data::Flag(flag),
        Some(Scalar::Integer(whole)) => Data::Whole(whole),
        Some(Scalar::FloatingPoint(number)) => Data::Number(number.into_inner()),
        Some(Scalar::String(text)) => Data::Text(text.into_owned()),
    }
}
