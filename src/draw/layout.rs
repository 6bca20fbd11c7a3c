//! Where the boxes and lines of a layered drawing go: a column per phase, lines left to right.
//!
//! A line that skips a phase passes through its column in a lane, a slot of its own between the
//! boxes. All bends lie between two columns, so such a line never runs through a box.

use std::collections::BTreeMap;

use super::{Arrow, Column};

/// The height of a box.
pub(super) const BOX: f64 = 32.0;
/// The space between two boxes of a column, and between a box and a lane.
const GAP: f64 = 14.0;
/// The space between two lanes.
const LANE: f64 = 12.0;
/// The narrowest and widest space between two columns.
const BETWEEN: (f64, f64) = (64.0, 190.0);
/// How many times the columns are ordered, and after that aligned, in alternating direction.
const SWEEPS: usize = 4;
/// How often lines may pass through lanes in all; the rest is drawn directly, over boxes. It
/// bounds the drawing of a huge stack, where nobody follows a long line by eye anyway.
const MOST_PASSES: usize = 50_000;

/// A finished layout; the origin is the top left corner of the first column.
pub(super) struct Layout {
    /// First a box for every node, then the lanes.
    pub(super) slots: Vec<Slot>,
    /// The left edge and the width of every column.
    pub(super) columns: Vec<(f64, f64)>,
    /// For every arrow the slots it visits, from its dependency to the service that waits.
    pub(super) routes: Vec<Vec<usize>>,
    /// The total width and height.
    pub(super) size: (f64, f64),
}

/// A place in a column: a box or a lane.
#[derive(Clone, Default)]
pub(super) struct Slot {
    pub(super) column: usize,
    /// The vertical middle.
    pub(super) y: f64,
    /// Linked slots in the columns to the left and to the right.
    left: Vec<usize>,
    right: Vec<usize>,
}

/// Lays out boxes as wide as `widths` says; `heads` are the widths of the column headings.
pub(super) fn layout(
    columns: &[Column],
    arrows: &[Arrow],
    widths: &[f64],
    heads: &[f64],
) -> Layout {
    let mut grid = Grid::new(columns, widths.len());
    let routes: Vec<Vec<usize>> = arrows.iter().map(|arrow| grid.route(arrow)).collect();
    grid.link(&routes);
    grid.arrange();
    let height = grid.drop_to_zero();
    let mut places: Vec<(f64, f64)> = Vec::with_capacity(columns.len());
    let mut x = 0.0;
    let spaces = grid.spaces();
    for (at, column) in columns.iter().enumerate() {
        let boxes = column.nodes.iter().filter_map(|node| widths.get(*node));
        let width = boxes.chain(heads.get(at)).copied().fold(0.0, f64::max);
        places.push((x, width));
        x += width + spaces.get(at).copied().unwrap_or(BETWEEN.0);
    }
    let width = places.last().map_or(0.0, |(x, width)| x + width);
    Layout { slots: grid.slots, columns: places, routes, size: (width, height) }
}

impl Layout {
    /// The vertical middle of a slot.
    pub(super) fn y(&self, slot: usize) -> f64 {
        self.slots.get(slot).map_or(0.0, |slot| slot.y)
    }

    /// The left and right edge of a slot, which are those of its column.
    pub(super) fn edges(&self, slot: usize) -> (f64, f64) {
        let column = self.slots.get(slot).and_then(|slot| self.columns.get(slot.column));
        column.map_or((0.0, 0.0), |(x, width)| (*x, x + width))
    }

    /// Whether a line between two slots leads to a later column.
    pub(super) fn goes_right(&self, from: usize, to: usize) -> bool {
        self.edges(from).1 < self.edges(to).0
    }
}

/// The slots while they are being placed.
struct Grid {
    slots: Vec<Slot>,
    /// The slots of every column from top to bottom.
    columns: Vec<Vec<usize>>,
    /// The lanes of every dependency and condition; lines that agree in both share them.
    lanes: BTreeMap<(usize, &'static str), Vec<usize>>,
    /// How many slots are boxes; they come before the lanes.
    boxes: usize,
    /// How often lines pass through lanes so far.
    passes: usize,
}

/// Which neighbours a slot looks at to find its height.
#[derive(Clone, Copy)]
enum Look {
    Left,
    Right,
    Both,
}

impl Grid {
    fn new(columns: &[Column], boxes: usize) -> Grid {
        let mut slots = vec![Slot::default(); boxes];
        for (at, column) in columns.iter().enumerate() {
            for node in &column.nodes {
                if let Some(slot) = slots.get_mut(*node) {
                    slot.column = at;
                }
            }
        }
        let columns = columns.iter().map(|column| column.nodes.clone()).collect();
        Grid { slots, columns, lanes: BTreeMap::new(), boxes, passes: 0 }
    }

    /// The slots an arrow visits, with new lanes in the columns it skips where none can be shared.
    fn route(&mut self, arrow: &Arrow) -> Vec<usize> {
        let (first, last) = (self.column(arrow.tail) + 1, self.column(arrow.head));
        let skipped = last.saturating_sub(first);
        if self.passes + skipped > MOST_PASSES {
            return vec![arrow.tail, arrow.head];
        }
        self.passes += skipped;
        let lanes = self.lanes.entry((arrow.tail, arrow.condition)).or_default();
        for at in first + lanes.len()..last {
            let lane = self.slots.len();
            self.slots.push(Slot { column: at, ..Slot::default() });
            lanes.push(lane);
            if let Some(column) = self.columns.get_mut(at) {
                column.push(lane);
            }
        }
        let between = lanes.iter().take(skipped).copied();
        [arrow.tail].into_iter().chain(between).chain([arrow.head]).collect()
    }

    /// Tells every slot which others it is linked to; lines that share lanes count once.
    fn link(&mut self, routes: &[Vec<usize>]) {
        let steps = routes.iter().flat_map(|route| route.iter().zip(route.iter().skip(1)));
        let mut links: Vec<(usize, usize)> = steps
            .map(|(a, b)| (*a, *b))
            .filter(|(a, b)| self.column(*a) < self.column(*b))
            .collect();
        links.sort_unstable();
        links.dedup();
        for (a, b) in links {
            if let Some(slot) = self.slots.get_mut(a) {
                slot.right.push(b);
            }
            if let Some(slot) = self.slots.get_mut(b) {
                slot.left.push(a);
            }
        }
    }

    /// First orders the columns to have few crossings, then straightens the lines.
    fn arrange(&mut self) {
        for at in 0..self.columns.len() {
            self.place(at, Look::Left, true);
        }
        for sweep in 0..2 * SWEEPS {
            let sort = sweep < SWEEPS;
            let back = sweep % 2 == 0;
            let look = match (sort, back) {
                (false, _) => Look::Both,
                (true, true) => Look::Right,
                (true, false) => Look::Left,
            };
            for at in 0..self.columns.len() {
                let at = if back { self.columns.len() - 1 - at } else { at };
                self.place(at, look, sort);
            }
        }
    }

    /// Places a column as near to its neighbours as it can, in their order if it may `sort`.
    fn place(&mut self, at: usize, look: Look, sort: bool) {
        let Some(column) = self.columns.get_mut(at).map(std::mem::take) else { return };
        let mut wishes: Vec<(f64, usize)> =
            column.into_iter().map(|slot| (self.wish(slot, look), slot)).collect();
        if sort {
            wishes.sort_by(|a, b| a.0.total_cmp(&b.0));
        }
        self.settle(&wishes);
        if let Some(column) = self.columns.get_mut(at) {
            column.extend(wishes.iter().map(|(_, slot)| *slot));
        }
    }

    /// The mean height of the slots linked to this one, or its own.
    fn wish(&self, slot: usize, look: Look) -> f64 {
        let Some(own) = self.slots.get(slot) else { return 0.0 };
        let linked = match look {
            Look::Left => own.left.iter().chain(&[]),
            Look::Right => own.right.iter().chain(&[]),
            Look::Both => own.left.iter().chain(&own.right),
        };
        let (sum, count) =
            linked.fold((0.0, 0.0), |(sum, count), other| (sum + self.y(*other), count + 1.0));
        if count > 0.0 { sum / count } else { own.y }
    }

    /// Gives every slot of a column the height it wishes, as nearly as order and space allow.
    ///
    /// Slots that would overlap join into a block around the mean of their wishes, which makes
    /// the sum of the squared differences the smallest possible.
    fn settle(&mut self, wishes: &[(f64, usize)]) {
        let mut offsets: Vec<f64> = Vec::with_capacity(wishes.len());
        let mut blocks: Vec<Block> = Vec::new();
        let mut above: Option<usize> = None;
        for (wish, slot) in wishes {
            let space = above.map_or(0.0, |above| self.space(above, *slot));
            let offset = offsets.last().copied().unwrap_or(0.0) + space;
            offsets.push(offset);
            above = Some(*slot);
            let weight = if self.is_lane(*slot) { 2.0 } else { 1.0 };
            let mut block = Block { top: wish - offset, weight, slots: 1 };
            while let Some(upper) = blocks.pop_if(|upper| upper.top > block.top) {
                block = upper.join(&block);
            }
            blocks.push(block);
        }
        let tops = blocks.iter().flat_map(|block| std::iter::repeat_n(block.top, block.slots));
        for ((top, offset), (_, slot)) in tops.zip(offsets).zip(wishes) {
            if let Some(slot) = self.slots.get_mut(*slot) {
                slot.y = top + offset;
            }
        }
    }

    /// The distance between the middles of two slots that follow each other.
    fn space(&self, above: usize, below: usize) -> f64 {
        match (self.is_lane(above), self.is_lane(below)) {
            (true, true) => LANE,
            (false, false) => BOX + GAP,
            _ => BOX / 2.0 + GAP,
        }
    }

    /// Moves everything down so that it starts at zero; returns the total height.
    fn drop_to_zero(&mut self) -> f64 {
        let reach = |slot| if slot < self.boxes { BOX / 2.0 } else { 1.0 };
        let tops = (0..self.slots.len()).map(|slot| self.y(slot) - reach(slot));
        let bottoms = (0..self.slots.len()).map(|slot| self.y(slot) + reach(slot));
        let (top, bottom) = (tops.reduce(f64::min), bottoms.reduce(f64::max));
        let (top, bottom) = (top.unwrap_or(0.0), bottom.unwrap_or(0.0));
        for slot in &mut self.slots {
            slot.y -= top;
        }
        bottom - top
    }

    /// The space after every column: the wider the steeper its lines.
    fn spaces(&self) -> Vec<f64> {
        let space = |column: &Vec<usize>| {
            let slots = column.iter().filter_map(|slot| self.slots.get(*slot));
            let drop = |slot: &Slot| {
                let drops = slot.right.iter().map(|other| (self.y(*other) - slot.y).abs());
                drops.fold(0.0, f64::max)
            };
            let steepest = slots.map(drop).fold(0.0, f64::max);
            (steepest * 0.4).clamp(BETWEEN.0, BETWEEN.1)
        };
        self.columns.iter().map(space).collect()
    }

    fn column(&self, slot: usize) -> usize {
        self.slots.get(slot).map_or(0, |slot| slot.column)
    }

    fn y(&self, slot: usize) -> f64 {
        self.slots.get(slot).map_or(0.0, |slot| slot.y)
    }

    fn is_lane(&self, slot: usize) -> bool {
        slot >= self.boxes
    }
}

/// Slots that touch: where the first one wants to be, with what weight, and how many they are.
struct Block {
    top: f64,
    weight: f64,
    slots: usize,
}

impl Block {
    fn join(&self, below: &Block) -> Block {
        let weight = self.weight + below.weight;
        let top = (self.top * self.weight + below.top * below.weight) / weight;
        Block { top, weight, slots: self.slots + below.slots }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Line, Node, Picture};
    use super::{BOX, GAP, LANE, Layout, MOST_PASSES, layout};
    use crate::graph::{Edge, Graph};

    fn place(nodes: usize, edges: &[(usize, usize)]) -> Layout {
        let graph = Graph::new(nodes, edges.iter().map(|&(from, to)| Edge { from, to }));
        let line = |&(from, to): &(usize, usize)| {
            let condition = if (from + to) % 3 == 0 { "healthy" } else { "started" };
            Line { from, to, condition }
        };
        let picture = Picture {
            nodes: vec![Node { name: "", note: None }; nodes],
            phases: graph.phases(),
            edges: edges.iter().map(line).collect(),
            ..Picture::default()
        };
        layout(&picture.columns(), &picture.arrows(), &vec![80.0; nodes], &[])
    }

    #[test]
    fn lines_share_lanes_by_dependency_and_condition() {
        // 1 and 2 lead to 3, 4 and 5, which also need 0 directly: twice "started", once "healthy".
        let placed = place(6, &[(1, 0), (2, 1), (3, 2), (4, 2), (5, 2), (3, 0), (4, 0), (5, 0)]);
        assert_eq!(placed.slots.len(), 6 + 2 + 2);
        assert_eq!(placed.routes[6][..3], placed.routes[7][..3]);
        assert_eq!(placed.routes[5].len(), 4);
    }

    #[test]
    fn passes_are_bounded() {
        let deep = 400;
        let chain = (1..deep).map(|k| (k, k - 1));
        let edges: Vec<_> = chain.chain((2..deep).map(|k| (deep - 1, deep - k))).collect();
        let placed = place(deep, &edges);
        let passes: usize = placed.routes.iter().map(|route| route.len() - 2).sum();
        assert!((MOST_PASSES / 2..=MOST_PASSES).contains(&passes), "{passes}");
        assert_eq!(placed.routes.len(), edges.len());
    }

    proptest! {
        /// Bends lie between neighbouring columns and lanes keep clear of boxes.
        #[test]
        fn no_line_runs_through_a_box(
            edges in proptest::collection::vec((0..24_usize, 0..24_usize), 0..60),
        ) {
            let edges: Vec<_> = edges.into_iter().filter(|(from, to)| from > to).collect();
            let placed = place(24, &edges);
            let column = |slot: usize| placed.slots[slot].column;
            for (route, (from, to)) in placed.routes.iter().zip(&edges) {
                prop_assert_eq!((route.first(), route.last()), (Some(to), Some(from)));
                for step in route.windows(2) {
                    prop_assert_eq!(column(step[0]) + 1, column(step[1]));
                    prop_assert!(placed.goes_right(step[0], step[1]));
                }
                prop_assert!(route[1..route.len() - 1].iter().all(|slot| *slot >= 24));
            }
            for a in 0..placed.slots.len() {
                for b in (0..a).filter(|b| column(*b) == column(a)) {
                    let lanes = [a, b].iter().filter(|slot| **slot >= 24).count();
                    let least = [BOX + GAP, BOX / 2.0 + GAP, LANE][lanes];
                    prop_assert!((placed.y(a) - placed.y(b)).abs() > least - 0.001);
                }
            }
            let bottom = (0..24).map(|node| placed.y(node) + BOX / 2.0).fold(0.0, f64::max);
            prop_assert!(bottom <= placed.size.1 + 0.001);
        }
    }
}
