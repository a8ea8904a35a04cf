//! The colours of what a command says. `print` and `say` take them away where nobody sees them: in a pipe or a file, with
//! `NO_COLOR`, and where `TERM` is dumb. No meaning is in a colour alone.

use anstyle::{AnsiColor, Style};
use std::fmt::Display;

/// It is as it should be.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// It works, and somebody should look.
pub(crate) const WARNING: Style = AnsiColor::Yellow.on_default().bold();
/// It does not work.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// Needed by whoever looks closer.
pub(crate) const FAINT: Style = Style::new().dimmed();

/// The text in that style.
pub(crate) fn painted(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}
