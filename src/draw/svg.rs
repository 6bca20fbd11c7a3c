//! The start order as a standalone SVG that suits light and dark pages.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

use super::layout::{BOX, Layout, layout};
use super::{Arrow, Column, Node, Picture, count};

const MARGIN: f64 = 24.0;
/// The height of the headings above the columns, and of the legend below them.
const BAND: f64 = 32.0;
/// The length of an arrow head.
const TIP: f64 = 7.0;
/// How far a line within a column swings out.
const SWING: f64 = 44.0;
/// The length of a line in the legend.
const SAMPLE: f64 = 28.0;
/// Longer names are cut; the tooltip has them in full.
const LONGEST: usize = 32;

const STYLE: &str = "<style>
  text { font: 13px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif; fill: #1f2328 }
  .quiet { font-size: 12px; fill: #656d76 }
  .page { fill: #fff; stroke: #d8dee4 }
  .node rect { fill: #f6f8fa; stroke: #b6bfc9 }
  .line { fill: none; stroke: #8c959f; stroke-width: 1.4; marker-end: url(#tip) }
  .started { stroke-width: 1.1; stroke-dasharray: 5 4 }
  .completed { stroke-width: 1.6; stroke-dasharray: 0.1 4; stroke-linecap: round }
  .critical rect { fill: #fff5eb; stroke: #d4730b; stroke-width: 1.8 }
  .line.critical { stroke: #d4730b; stroke-width: 2.2; marker-end: url(#critical-tip) }
  #tip path { fill: #8c959f }
  #critical-tip path { fill: #d4730b }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .quiet { fill: #8d96a0 }
    .page { fill: #0d1117; stroke: #30363d }
    .node rect { fill: #161b22; stroke: #4b535d }
    .line { stroke: #7d8590 }
    .critical rect { fill: #2b1d0e; stroke: #e8944a }
    .line.critical { stroke: #e8944a }
    #tip path { fill: #7d8590 }
    #critical-tip path { fill: #e8944a }
  }
</style>
";

/// Draws a column per phase and a curve from every dependency to the service that waits.
///
/// Notes and full names are tooltips, and every curve tells in one what it stands for.
pub fn draw(picture: &Picture) -> String {
    let columns = picture.columns();
    let arrows = picture.arrows();
    let headings: Vec<String> = columns.iter().map(Column::heading).collect();
    let heads: Vec<f64> = headings.iter().map(|heading| text_width(heading)).collect();
    let box_width = |node: &Node| text_width(&cut(node.name)) + 28.0;
    let widths: Vec<f64> = picture.nodes.iter().map(box_width).collect();
    let layout = layout(&columns, &arrows, &widths, &heads);
    let legend = legend(&arrows);

    let swings = arrows.iter().any(|arrow| !layout.goes_right(arrow.tail, arrow.head));
    let drawing = layout.size.0 + if swings { SWING } else { 0.0 };
    let width = 2.0 * MARGIN + drawing.max(legend_width(&legend));
    let foot = MARGIN + BAND + layout.size.1;
    let height = foot + MARGIN + if legend.is_empty() { 0.0 } else { BAND };

    let mut out = head(picture, &columns, width, height);
    draw_headings(&mut out, &headings, &layout);
    let _ = writeln!(out, "<g transform=\"translate({MARGIN} {})\">", MARGIN + BAND);
    draw_lines(&mut out, picture, &layout, &arrows);
    draw_boxes(&mut out, picture, &layout);
    out.push_str("</g>\n");
    draw_legend(&mut out, &legend, foot + BAND);
    out.push_str("</svg>\n");
    out
}

/// Everything before the drawing: size, what screen readers say, style, arrow heads and page.
fn head(picture: &Picture, columns: &[Column], width: f64, height: f64) -> String {
    let (width, height) = (width.ceil(), height.ceil());
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\" aria-labelledby=\"title about\">\n"
    );
    let phases = columns.iter().filter(|column| column.phase.is_some()).count();
    let nodes = count(picture.nodes.len(), "service");
    let _ = writeln!(out, "<title id=\"title\">{}</title>", escaped(picture.title));
    let _ = write!(out, "<desc id=\"about\">{nodes} in {}", count(phases, "phase"));
    let critical: Vec<&str> = picture.critical_nodes().iter().map(|n| picture.name(*n)).collect();
    if !critical.is_empty() {
        let _ = write!(out, ", critical path: {}", escaped(&critical.join(", ")));
    }
    let _ = writeln!(out, "</desc>\n{STYLE}<defs>\n{}{}</defs>", tip("tip"), tip("critical-tip"));
    let (width, height) = (width - 1.0, height - 1.0);
    let _ = writeln!(
        out,
        "<rect class=\"page\" x=\"0.5\" y=\"0.5\" width=\"{width}\" height=\"{height}\" rx=\"10\"/>"
    );
    out
}

fn tip(id: &str) -> String {
    format!(
        "<marker id=\"{id}\" viewBox=\"0 0 8 8\" refX=\"1\" refY=\"4\" markerWidth=\"8\" \
         markerHeight=\"8\" markerUnits=\"userSpaceOnUse\" orient=\"auto\">\
         <path d=\"M0 0.5 L8 4 L0 7.5 Z\"/></marker>\n"
    )
}

fn draw_headings(out: &mut String, headings: &[String], layout: &Layout) {
    for (heading, (x, width)) in headings.iter().zip(&layout.columns) {
        let (x, y) = (Px(MARGIN + x + width / 2.0), Px(MARGIN + 8.0));
        let _ = writeln!(
            out,
            "<text class=\"quiet\" x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">{heading}</text>"
        );
    }
}

/// Draws the critical path last, so that it lies on top.
fn draw_lines(out: &mut String, picture: &Picture, layout: &Layout, arrows: &[Arrow]) {
    for stressed in [false, true] {
        let drawn = arrows.iter().zip(&layout.routes);
        for (arrow, route) in drawn.filter(|(arrow, _)| arrow.critical == stressed) {
            let class = style(arrow.condition);
            let class = if stressed { format!("{class} critical") } else { class.to_owned() };
            let (needed, needs) = (picture.name(arrow.tail), picture.name(arrow.head));
            let says = escaped(&format!("{needs} needs {needed}: {}", arrow.condition));
            let path = path(layout, route);
            let _ = writeln!(
                out,
                "<path class=\"line {class}\" d=\"{path}\"><title>{says}</title></path>"
            );
        }
    }
}

/// The curve through the slots of a route; it bends only between columns.
fn path(layout: &Layout, route: &[usize]) -> String {
    let mut path = String::new();
    for (at, (from, to)) in route.iter().zip(route.iter().skip(1)).enumerate() {
        let (_, x0) = layout.edges(*from);
        let (x1, end) = layout.edges(*to);
        let (y0, y1) = (layout.y(*from), layout.y(*to));
        if !layout.goes_right(*from, *to) {
            return swing((x0, y0), (end, y1));
        }
        if at == 0 {
            let _ = write!(path, "M{} {}", Px(x0), Px(y0));
        }
        let is_last = at + 2 == route.len();
        let (middle, target) = (Px(f64::midpoint(x0, x1)), Px(if is_last { x1 - TIP } else { x1 }));
        let (y0, y1) = (Px(y0), Px(y1));
        let _ = write!(path, " C{middle} {y0} {middle} {y1} {target} {y1}");
        if !is_last {
            let _ = write!(path, " H{}", Px(end));
        }
    }
    path
}

/// A line that does not lead to a later column, which only a cycle has: out to the right and back.
fn swing((x0, y0): (f64, f64), (x1, y1): (f64, f64)) -> String {
    let is_loop = (x0, y0) == (x1, y1);
    let (y0, y1) = if is_loop { (y0 - 8.0, y1 + 8.0) } else { (y0, y1) };
    // The way up is tighter, so that two nodes that need each other show two lines.
    let out = Px(x0.max(x1) + if y1 < y0 { SWING / 2.0 } else { SWING });
    let (start, end, y0, y1) = (Px(x0), Px(x1 + TIP), Px(y0), Px(y1));
    format!("M{start} {y0} C{out} {y0} {out} {y1} {end} {y1}")
}

fn draw_boxes(out: &mut String, picture: &Picture, layout: &Layout) {
    let critical: BTreeSet<usize> = picture.critical_nodes().iter().copied().collect();
    for (number, node) in picture.nodes.iter().enumerate() {
        let class = if critical.contains(&number) { "node critical" } else { "node" };
        let (left, right) = layout.edges(number);
        let (y, middle) = (layout.y(number), f64::midpoint(left, right));
        let note = node.note.map(|note| format!("\n{}", escaped(note))).unwrap_or_default();
        let _ = writeln!(
            out,
            "<g class=\"{class}\"><title>{}{note}</title>\
             <rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{BOX}\" rx=\"7\"/>\
             <text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text></g>",
            escaped(node.name),
            Px(left),
            Px(y - BOX / 2.0),
            Px(right - left),
            Px(middle),
            Px(y + 4.5),
            escaped(&cut(node.name)),
        );
    }
}

/// The line styles that occur, each with the words for it.
fn legend(arrows: &[Arrow]) -> Vec<(&'static str, String)> {
    let mut legend = Vec::new();
    for class in ["started", "solid", "completed"] {
        let conditions = arrows.iter().map(|arrow| arrow.condition);
        let words: BTreeSet<&str> = conditions.filter(|word| style(word) == class).collect();
        if !words.is_empty() {
            legend.push((class, words.into_iter().collect::<Vec<_>>().join(" / ")));
        }
    }
    if arrows.iter().any(|arrow| arrow.critical) {
        legend.push(("critical", "critical path".to_owned()));
    }
    legend
}

fn legend_width(legend: &[(&str, String)]) -> f64 {
    legend.iter().map(|(_, words)| item_width(words)).sum()
}

fn item_width(words: &str) -> f64 {
    SAMPLE + 8.0 + text_width(words) + 16.0
}

fn draw_legend(out: &mut String, legend: &[(&str, String)], y: f64) {
    let mut x = MARGIN;
    for (class, words) in legend {
        let (end, text) = (Px(x + SAMPLE - TIP), Px(x + SAMPLE + 8.0));
        let _ = writeln!(
            out,
            "<path class=\"line {class}\" d=\"M{} {} H{end}\"/>\
             <text class=\"quiet\" x=\"{text}\" y=\"{}\">{}</text>",
            Px(x),
            Px(y),
            Px(y + 4.0),
            escaped(words),
        );
        x += item_width(words);
    }
}

fn style(condition: &str) -> &'static str {
    match condition {
        "started" => "started",
        "completed" => "completed",
        _ => "solid",
    }
}

fn cut(name: &str) -> String {
    if name.chars().count() <= LONGEST {
        return name.to_owned();
    }
    name.chars().take(LONGEST - 1).chain(['…']).collect()
}

/// A generous estimate, because the reader's system font is unknown.
fn text_width(text: &str) -> f64 {
    let width = |letter| match letter {
        'f' | 'i' | 'j' | 'l' | 'r' | 't' | 'I' | '.' | ',' | ':' | '-' | '/' | ' ' => 5.2,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 12.0,
        'A'..='Z' => 9.4,
        '\u{1100}'.. => 14.0,
        _ => 7.8,
    };
    text.chars().map(width).sum()
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // XML has no way to write these.
            '\u{0}'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {
                out.push('\u{fffd}');
            }
            plain => out.push(plain),
        }
    }
    out
}

/// A length, written with at most one decimal.
struct Px(f64);

impl fmt::Display for Px {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        // Adding zero turns a negative zero into a plain one.
        write!(out, "{}", (self.0 * 10.0).round() / 10.0 + 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Line, Node, Picture, example};
    use super::draw;

    /// Fails on a tag that is not closed in order, and on a stray `<`, `>` or `&`.
    fn assert_well_formed(svg: &str) {
        let mut open = Vec::new();
        for part in svg.split('<').skip(1) {
            let (tag, text) = part.split_once('>').expect("a tag ends");
            assert!(!text.contains('>'), "{text}");
            assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
            let entity =
                |rest: &str| ["amp;", "lt;", "gt;", "quot;"].iter().any(|e| rest.starts_with(e));
            assert!(part.split('&').skip(1).all(entity), "{part}");
            if let Some(name) = tag.strip_prefix('/') {
                assert_eq!(open.pop(), Some(name));
            } else if !tag.ends_with('/') {
                open.push(tag.split([' ', '\n']).next().expect("a name"));
            }
        }
        assert!(open.is_empty(), "{open:?}");
    }

    fn count(svg: &str, part: &str) -> usize {
        svg.matches(part).count()
    }

    #[test]
    fn five_services() {
        let svg = draw(&example::immich());
        assert_well_formed(&svg);
        assert_eq!(count(&svg, "<g class=\"node\">"), 2);
        assert_eq!(count(&svg, "<g class=\"node critical\">"), 3);
        for name in ["postgres", "redis", "server", "ml", "web"] {
            assert_eq!(count(&svg, &format!(">immich-{name}</text>")), 1, "{name}");
        }
        assert!(svg.contains("<title>immich-postgres\nready in at most 1m45s</title>"));
        assert!(svg.contains("<title>immich-server needs immich-postgres: healthy</title>"));
        assert_eq!(count(&svg, "class=\"line started\" d"), 2 + 1);
        assert_eq!(count(&svg, "class=\"line solid critical\" d"), 2);
        assert_eq!(count(&svg, ">phase "), 3);
        assert!(svg.contains(">healthy / ready</text>") && svg.contains(">critical path</text>"));
        let about = "5 services in 3 phases, critical path: \
                     immich-postgres, immich-server, immich-ml</desc>";
        assert!(svg.contains(about));
    }

    #[test]
    fn one_service_needs_no_legend() {
        let nodes = vec![Node { name: "vaultwarden", note: None }];
        let svg = draw(&Picture { nodes, phases: vec![vec![0]], ..Picture::default() });
        assert_well_formed(&svg);
        assert!(svg.contains("1 service in 1 phase</desc>"));
        assert_eq!(count(&svg, "<path class"), 0);
        assert_well_formed(&draw(&Picture::default()));
    }

    #[test]
    fn names_are_escaped_and_a_cycle_is_drawn() {
        let svg = draw(&example::awkward());
        assert_well_formed(&svg);
        assert!(svg.contains(">say &quot;hi&quot; \\ &lt;b&gt;&amp;amp;#1;</text>"));
        assert!(svg.contains(">a &quot;b&quot; &lt;c&gt; &amp; d</title>"));
        assert!(svg.contains(">no phase</text>"));
        assert_eq!(count(&svg, "<g class=\"node"), 3);
        assert_eq!(count(&svg, " needs "), 4);
    }

    #[test]
    fn long_names_are_cut_but_told_in_full() {
        let name = "an-ä-service-whose-name-goes-on-and-on-and-on";
        let nodes = vec![Node { name, note: None }, Node { name: "bell\u{7}", note: None }];
        let svg = draw(&Picture { nodes, phases: vec![vec![0, 1]], ..Picture::default() });
        assert!(svg.contains(">an-ä-service-whose-name-goes-on…</text>"));
        assert!(svg.contains(&format!("<title>{name}</title>")));
        assert!(svg.contains(">bell\u{fffd}</text>"));
    }

    #[test]
    fn a_line_over_a_phase_bends_only_between_columns() {
        let node = |name| Node { name, note: None };
        let line = |from, to| Line { from, to, condition: "healthy" };
        let svg = draw(&Picture {
            nodes: vec![node("aa"), node("bb"), node("cc")],
            phases: vec![vec![0], vec![1], vec![2]],
            edges: vec![line(1, 0), line(2, 1), line(2, 0)],
            ..Picture::default()
        });
        let path = svg.lines().find(|line| line.contains("cc needs aa")).expect("the line");
        assert_eq!((count(path, "C"), count(path, "H")), (2, 1), "{path}");
    }
}
