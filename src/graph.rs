//! The dependency graph of a stack: cycles, phases, chains and reach, all in plain indices.

use std::cmp::Reverse;
use std::collections::VecDeque;

use petgraph::Direction::{self, Incoming, Outgoing};
use petgraph::algo::kosaraju_scc;
use petgraph::algo::tred::{dag_to_toposorted_adjacency_list, dag_transitive_reduction_closure};
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::{Dfs, EdgeRef, Reversed};

/// The rank of a node on or behind a cycle, which can never start; it sorts last.
const NEVER: usize = usize::MAX;

/// How many nodes of one component [`Graph::cycles`] tries, to stay linear in a huge one.
const MOST_STARTS: usize = 32;

/// The size up to which [`Graph::essential_edges`] reduces; beyond it nobody looks at a drawing.
const MOST_REDUCED: usize = 2000;

/// One dependency: `from` needs `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// The node that waits.
    pub from: usize,
    /// The node that must be up before it.
    pub to: usize,
}

/// Who needs whom, among nodes numbered from zero.
#[derive(Clone, Debug)]
pub struct Graph {
    needs: DiGraph<(), (), usize>,
    /// The phase of each node, or [`NEVER`].
    ranks: Vec<usize>,
}

impl Graph {
    /// Builds the graph; an edge out of range or given twice is ignored, a self edge is a cycle.
    pub fn new(nodes: usize, edges: impl IntoIterator<Item = Edge>) -> Graph {
        let in_range = |edge: &Edge| edge.from < nodes && edge.to < nodes;
        let mut edges: Vec<Edge> = edges.into_iter().filter(in_range).collect();
        edges.sort_unstable();
        edges.dedup();
        let mut needs = DiGraph::with_capacity(nodes, edges.len());
        for _ in 0..nodes {
            needs.add_node(());
        }
        // petgraph walks the newest edge first, so this order makes every walk ascending.
        for edge in edges.iter().rev() {
            needs.add_edge(NodeIndex::new(edge.from), NodeIndex::new(edge.to), ());
        }
        let ranks = ranks(&needs);
        Graph { needs, ranks }
    }

    /// One cycle for every group of nodes that need each other, sorted by first index.
    ///
    /// A cycle starts at its smallest index and follows "needs": `a` needs `b` needs `a` is
    /// `[a, b]`. It is a shortest one of its group; in a group of more than 32 nodes it is a
    /// shortest one through any of the 32 smallest indices, which keeps the search linear.
    pub fn cycles(&self) -> Vec<Vec<usize>> {
        let mut search = CycleSearch {
            graph: self,
            group: vec![NEVER; self.ranks.len()],
            reached: vec![(NEVER, NEVER); self.ranks.len()],
        };
        let groups = kosaraju_scc(&self.needs).into_iter();
        let mut cycles: Vec<Vec<usize>> = groups
            .filter_map(|group| search.shortest(group.into_iter().map(NodeIndex::index).collect()))
            .collect();
        cycles.sort_unstable();
        cycles
    }

    /// The start order in layers: phase 0 needs nothing, a later one needs only earlier ones.
    ///
    /// Every node is in the earliest phase possible and a phase is in index order. Nodes on a
    /// cycle, and nodes that need one of those, are in no phase.
    pub fn phases(&self) -> Vec<Vec<usize>> {
        let ranked = self.ranks.iter().filter(|rank| **rank != NEVER);
        let count = ranked.max().map_or(0, |last| last + 1);
        let mut phases = vec![Vec::new(); count];
        for (node, rank) in self.ranks.iter().enumerate() {
            if let Some(phase) = phases.get_mut(*rank) {
                phase.push(node);
            }
        }
        phases
    }

    /// The heaviest chain from a node that needs nothing to one nobody needs, in start order.
    ///
    /// Among equal chains the one with the smallest indices wins, compared from its start. A
    /// missing weight counts as 1. It is empty when no node is in a phase.
    pub fn critical_path(&self, weights: &[u64]) -> Vec<usize> {
        let phases = self.phases();
        // For each node: the weight of the heaviest chain it starts, and the next node on it.
        let mut chains: Vec<(u64, Option<usize>)> = vec![(0, None); self.ranks.len()];
        let weight_from = |chains: &[(u64, _)], node: usize| chains.get(node).map_or(0, |c| c.0);
        for &node in phases.iter().rev().flatten() {
            let dependents = self.near(node, Incoming).filter(|next| self.is_ranked(*next));
            let next = dependents.min_by_key(|next| (Reverse(weight_from(&chains, *next)), *next));
            let rest = next.map_or(0, |next| weight_from(&chains, next));
            let own = weights.get(node).copied().unwrap_or(1);
            if let Some(chain) = chains.get_mut(node) {
                *chain = (rest.saturating_add(own), next);
            }
        }
        let roots = phases.first().into_iter().flatten().copied();
        let start = roots.min_by_key(|root| (Reverse(weight_from(&chains, *root)), *root));
        std::iter::successors(start, |node| chains.get(*node)?.1).collect()
    }

    /// All nodes that must be up before this one, directly or not, in start order.
    ///
    /// Nodes on or behind a cycle come last; the node itself is never among them.
    pub fn needs(&self, node: usize) -> Vec<usize> {
        if node >= self.ranks.len() {
            return Vec::new();
        }
        let start = NodeIndex::new(node);
        let mut walk = Dfs::new(&self.needs, start);
        let reached = std::iter::from_fn(|| walk.next(&self.needs));
        self.in_start_order(reached.filter(|next| *next != start))
    }

    /// All nodes that wait for this one, directly or not, ordered like [`Graph::needs`].
    pub fn needed_by(&self, node: usize) -> Vec<usize> {
        if node >= self.ranks.len() {
            return Vec::new();
        }
        let start = NodeIndex::new(node);
        let dependents = Reversed(&self.needs);
        let mut walk = Dfs::new(dependents, start);
        let reached = std::iter::from_fn(|| walk.next(dependents));
        self.in_start_order(reached.filter(|next| *next != start))
    }

    /// The edges that no chain of other edges implies, for drawings; sorted.
    ///
    /// Edges of nodes on or behind a cycle all stay, as do all edges of more than 2000 nodes.
    pub fn essential_edges(&self) -> Vec<Edge> {
        if self.ranks.len() > MOST_REDUCED {
            return sorted(self.edges());
        }
        let acyclic = self.needs.filter_map(
            |_, ()| Some(()),
            |edge, ()| {
                let (from, _) = self.needs.edge_endpoints(edge)?;
                self.is_ranked(from.index()).then_some(())
            },
        );
        let mut order: Vec<NodeIndex<usize>> = acyclic.node_indices().collect();
        order.sort_by_key(|node| Reverse(self.rank(node.index())));
        let (listed, _) = dag_to_toposorted_adjacency_list::<_, usize>(&acyclic, &order);
        let (reduced, _) = dag_transitive_reduction_closure(&listed);
        let essential = reduced.edge_indices().filter_map(|edge| {
            let (from, to) = reduced.edge_endpoints(edge)?;
            Some(Edge { from: order.get(from)?.index(), to: order.get(to)?.index() })
        });
        let cyclic = self.edges().filter(|edge| !self.is_ranked(edge.from));
        sorted(essential.chain(cyclic))
    }

    fn edges(&self) -> impl Iterator<Item = Edge> {
        let edges = self.needs.edge_references();
        edges.map(|edge| Edge { from: edge.source().index(), to: edge.target().index() })
    }

    fn near(&self, node: usize, direction: Direction) -> impl Iterator<Item = usize> {
        let near = self.needs.neighbors_directed(NodeIndex::new(node), direction);
        near.map(NodeIndex::index)
    }

    fn rank(&self, node: usize) -> usize {
        self.ranks.get(node).copied().unwrap_or(NEVER)
    }

    fn is_ranked(&self, node: usize) -> bool {
        self.rank(node) != NEVER
    }

    fn in_start_order(&self, nodes: impl Iterator<Item = NodeIndex<usize>>) -> Vec<usize> {
        let mut nodes: Vec<usize> = nodes.map(NodeIndex::index).collect();
        nodes.sort_unstable_by_key(|node| (self.rank(*node), *node));
        nodes
    }
}

fn sorted(edges: impl Iterator<Item = Edge>) -> Vec<Edge> {
    let mut edges: Vec<Edge> = edges.collect();
    edges.sort_unstable();
    edges
}

/// Kahn's algorithm; its queue is in phase order, so the last need to start sets the rank.
fn ranks(needs: &DiGraph<(), (), usize>) -> Vec<usize> {
    let waits_for = |node| needs.neighbors_directed(node, Outgoing).count();
    let mut missing: Vec<usize> = needs.node_indices().map(waits_for).collect();
    let free = missing.iter().enumerate().filter(|(_, missing)| **missing == 0);
    let mut queue: VecDeque<(usize, usize)> = free.map(|(node, _)| (node, 0)).collect();
    let mut ranks = vec![NEVER; missing.len()];
    while let Some((node, rank)) = queue.pop_front() {
        if let Some(slot) = ranks.get_mut(node) {
            *slot = rank;
        }
        for dependent in needs.neighbors_directed(NodeIndex::new(node), Incoming) {
            if let Some(missing) = missing.get_mut(dependent.index()) {
                *missing -= 1;
                if *missing == 0 {
                    queue.push_back((dependent.index(), rank + 1));
                }
            }
        }
    }
    ranks
}

/// Breadth-first search for cycles, with memory shared between the searches.
struct CycleSearch<'a> {
    graph: &'a Graph,
    /// The smallest node of the group being searched, for each node in it.
    group: Vec<usize>,
    /// For each node, the start of the search that last reached it and the node before it.
    reached: Vec<(usize, usize)>,
}

impl CycleSearch<'_> {
    /// A shortest cycle in a strongly connected group; none in a single node without self edge.
    fn shortest(&mut self, mut group: Vec<usize>) -> Option<Vec<usize>> {
        group.sort_unstable();
        let first = *group.first()?;
        for node in &group {
            if let Some(slot) = self.group.get_mut(*node) {
                *slot = first;
            }
        }
        let mut best: Option<Vec<usize>> = None;
        // Only strictly shorter cycles replace the best, and starts ascend: so the best one
        // holds no node smaller than its start.
        for start in group.into_iter().take(MOST_STARTS) {
            let limit = best.as_ref().map_or(usize::MAX, Vec::len);
            best = self.through(start, first, limit).or(best);
        }
        best
    }

    /// A shortest cycle through `start` inside its group, if it has fewer than `limit` nodes.
    fn through(&mut self, start: usize, group: usize, limit: usize) -> Option<Vec<usize>> {
        let graph = self.graph;
        let mut queue = VecDeque::from([(start, 1)]);
        while let Some((node, length)) = queue.pop_front() {
            if length >= limit {
                return None;
            }
            for next in graph.near(node, Outgoing) {
                if next == start {
                    return Some(self.way_back(start, node));
                }
                let reached = self.reached.get_mut(next)?;
                if self.group.get(next) == Some(&group) && reached.0 != start {
                    *reached = (start, node);
                    queue.push_back((next, length + 1));
                }
            }
        }
        None
    }

    fn way_back(&self, start: usize, end: usize) -> Vec<usize> {
        let before = |node: &usize| {
            let earlier = (*node != start).then(|| self.reached.get(*node))??;
            Some(earlier.1)
        };
        let mut cycle: Vec<usize> = std::iter::successors(Some(end), before).collect();
        cycle.reverse();
        cycle
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn graph(nodes: usize, edges: &[(usize, usize)]) -> Graph {
        Graph::new(nodes, edges.iter().map(|&(from, to)| Edge { from, to }))
    }

    fn pairs(edges: Vec<Edge>) -> Vec<(usize, usize)> {
        edges.into_iter().map(|edge| (edge.from, edge.to)).collect()
    }

    /// 0 postgres, 1 redis, 2 server, 3 ml, 4 web.
    fn immich() -> Graph {
        graph(5, &[(2, 0), (2, 1), (3, 2), (4, 2)])
    }

    #[test]
    fn the_five_services() {
        let immich = immich();
        assert_eq!(immich.phases(), [vec![0, 1], vec![2], vec![3, 4]]);
        assert_eq!(immich.cycles(), Vec::<Vec<usize>>::new());
        assert_eq!(immich.critical_path(&[]), [0, 2, 3]);
        assert_eq!(immich.critical_path(&[1, 2, 1, 0, 5]), [1, 2, 4]);
        assert_eq!(immich.needs(4), [0, 1, 2]);
        assert_eq!(immich.needed_by(1), [2, 3, 4]);
        assert!(immich.needs(9).is_empty());
        assert!(immich.needed_by(9).is_empty());
    }

    #[test]
    fn an_empty_graph_has_nothing() {
        let empty = graph(0, &[(0, 1)]);
        assert!(empty.phases().is_empty() && empty.cycles().is_empty());
        assert!(empty.critical_path(&[1]).is_empty() && empty.essential_edges().is_empty());
    }

    #[test]
    fn a_self_edge_is_a_cycle_of_one() {
        let graph = graph(3, &[(1, 1), (2, 1)]);
        assert_eq!(graph.cycles(), [[1]]);
        assert_eq!(graph.phases(), [[0]]);
        assert!(graph.needs(1).is_empty());
        assert_eq!(graph.needs(2), [1]);
        assert_eq!(graph.critical_path(&[0, 9, 9]), [0]);
    }

    #[test]
    fn a_cycle_follows_needs_from_its_smallest_node() {
        let graph = graph(7, &[(3, 1), (1, 2), (2, 3), (6, 5), (5, 6), (0, 3)]);
        assert_eq!(graph.cycles(), [vec![1, 2, 3], vec![5, 6]]);
        assert_eq!(graph.phases(), [[4]]);
        assert_eq!(graph.needs(0), [1, 2, 3]);
    }

    #[test]
    fn a_group_gives_its_shortest_cycle() {
        let graph = graph(5, &[(0, 1), (1, 2), (2, 3), (3, 4), (4, 0), (3, 2)]);
        assert_eq!(graph.cycles(), [[2, 3]]);
    }

    #[test]
    fn ties_take_the_smallest_indices() {
        let graph = graph(6, &[(5, 3), (4, 2), (3, 0), (2, 1), (2, 0)]);
        assert_eq!(graph.critical_path(&[7, 7, 7, 7, 7, 7]), [0, 2, 4]);
        assert_eq!(graph.critical_path(&[u64::MAX; 6]), [0, 2, 4]);
        assert_eq!(graph.critical_path(&[0; 6]), [0, 2, 4]);
    }

    #[test]
    fn shortcuts_are_not_essential() {
        let shortcut = graph(4, &[(2, 0), (2, 1), (1, 0), (3, 0), (3, 2)]);
        assert_eq!(pairs(shortcut.essential_edges()), [(1, 0), (2, 1), (3, 2)]);
        let cyclic = graph(5, &[(0, 1), (1, 0), (2, 0), (2, 1), (2, 3), (2, 4), (3, 4)]);
        assert_eq!(pairs(cyclic.essential_edges()), pairs(sorted(cyclic.edges())));
    }

    #[test]
    fn a_deep_chain_does_not_overflow_the_stack() {
        let depth = 100_000;
        let chain = Graph::new(depth, (1..depth).map(|from| Edge { from, to: from - 1 }));
        assert_eq!(chain.phases().len(), depth);
        assert_eq!(chain.critical_path(&[]).len(), depth);
        assert_eq!(chain.needs(depth - 1).len(), depth - 1);
        assert_eq!(chain.needed_by(0).len(), depth - 1);
        let ring = Graph::new(depth, (0..depth).map(|n| Edge { from: n, to: (n + 1) % depth }));
        assert_eq!(ring.cycles(), [(0..depth).collect::<Vec<_>>()]);
        assert!(ring.phases().is_empty() && ring.critical_path(&[]).is_empty());
    }

    fn any_edges(nodes: usize) -> impl Strategy<Value = Vec<(usize, usize)>> {
        proptest::collection::vec((0..nodes, 0..nodes), 0..nodes * 2)
    }

    fn acyclic(edges: &[(usize, usize)]) -> Vec<(usize, usize)> {
        edges.iter().filter(|e| e.0 != e.1).map(|e| (e.0.max(e.1), e.0.min(e.1))).collect()
    }

    /// The reach of every pair in at least one step, by repeated relaxation: `usize::MAX` is none.
    fn distances(nodes: usize, edges: &[(usize, usize)]) -> Vec<Vec<usize>> {
        let mut far = vec![vec![usize::MAX; nodes]; nodes];
        for &(from, to) in edges {
            far[from][to] = 1;
        }
        for k in 0..nodes {
            for a in 0..nodes {
                for b in 0..nodes {
                    far[a][b] = far[a][b].min(far[a][k].saturating_add(far[k][b]));
                }
            }
        }
        far
    }

    proptest! {
        #[test]
        fn phases_respect_all_edges(edges in any_edges(12)) {
            let phases = graph(12, &edges).phases();
            let phase = |node| phases.iter().position(|phase| phase.contains(&node));
            for &(from, to) in &edges {
                prop_assert!(phase(from).is_none_or(|late| phase(to).is_some_and(|p| p < late)));
            }
            let far = distances(12, &edges);
            for node in 0..12 {
                let stuck = (0..12).any(|c| far[c][c] != usize::MAX
                    && (c == node || far[node][c] != usize::MAX));
                prop_assert_eq!(phase(node).is_none(), stuck);
            }
        }

        #[test]
        fn every_acyclic_graph_is_wholly_in_phases(edges in any_edges(20)) {
            let graph = graph(20, &acyclic(&edges));
            prop_assert_eq!(graph.phases().concat().len(), 20);
            prop_assert!(graph.cycles().is_empty());
            for (at, phase) in graph.phases().iter().enumerate().skip(1) {
                let before = &graph.phases()[at - 1];
                let tight = |node: &usize| graph.near(*node, Outgoing).any(|n| before.contains(&n));
                prop_assert!(phase.iter().all(tight));
            }
        }

        #[test]
        fn cycles_are_real_and_shortest(edges in any_edges(12)) {
            let cycles = graph(12, &edges).cycles();
            let far = distances(12, &edges);
            let group = |a: usize| -> Vec<usize> {
                let both = |b: &usize| far[a][*b] != usize::MAX && far[*b][a] != usize::MAX;
                (0..12).filter(both).collect()
            };
            let mut groups: Vec<_> = (0..12).map(group).filter(|g| !g.is_empty()).collect();
            groups.sort();
            groups.dedup();
            prop_assert_eq!(cycles.len(), groups.len());
            prop_assert!(cycles.is_sorted());
            for cycle in &cycles {
                let next = cycle.iter().cycle().skip(1);
                for (&from, &to) in cycle.iter().zip(next) {
                    prop_assert!(edges.contains(&(from, to)));
                }
                prop_assert_eq!(cycle.iter().min(), cycle.first());
                let group = group(cycle[0]);
                prop_assert_eq!(Some(cycle.len()), group.iter().map(|&n| far[n][n]).min());
            }
        }

        #[test]
        fn the_critical_path_is_the_heaviest(
            edges in any_edges(8),
            weights in proptest::collection::vec(0..4_u64, 0..9),
        ) {
            let graph = graph(8, &acyclic(&edges));
            let total = |path: &Vec<usize>| -> u64 {
                path.iter().map(|n| weights.get(*n).copied().unwrap_or(1)).sum()
            };
            let mut complete = Vec::new();
            let mut open: Vec<Vec<usize>> = graph.phases()[0].iter().map(|n| vec![*n]).collect();
            while let Some(path) = open.pop() {
                let next: Vec<usize> = graph.near(path[path.len() - 1], Incoming).collect();
                open.extend(next.iter().map(|n| [path.clone(), vec![*n]].concat()));
                complete.extend(next.is_empty().then_some(path));
            }
            let best = complete.into_iter().min_by_key(|path| (Reverse(total(path)), path.clone()));
            prop_assert_eq!(Some(graph.critical_path(&weights)), best);
        }

        #[test]
        fn needs_and_needed_by_are_the_reach(edges in any_edges(10)) {
            let graph = graph(10, &edges);
            let far = distances(10, &edges);
            for (node, row) in far.iter().enumerate() {
                let order = |n: &usize| (graph.rank(*n), *n);
                let others = || (0..10).filter(|n| *n != node);
                let mut down: Vec<_> = others().filter(|n| row[*n] != usize::MAX).collect();
                let mut up: Vec<_> = others().filter(|n| far[*n][node] != usize::MAX).collect();
                down.sort_by_key(order);
                up.sort_by_key(order);
                prop_assert_eq!(graph.needs(node), down);
                prop_assert_eq!(graph.needed_by(node), up);
            }
        }

        #[test]
        fn essential_edges_keep_the_reach_and_no_shortcut(edges in any_edges(12)) {
            let edges = acyclic(&edges);
            let essential = pairs(graph(12, &edges).essential_edges());
            prop_assert!(essential.iter().all(|edge| edges.contains(edge)));
            let reach = |edges: &[(usize, usize)]| -> Vec<Vec<bool>> {
                let far = distances(12, edges).into_iter();
                far.map(|row| row.iter().map(|far| *far != usize::MAX).collect()).collect()
            };
            prop_assert_eq!(reach(&edges), reach(&essential));
            for cut in 0..essential.len() {
                let mut fewer = essential.clone();
                let (from, to) = fewer.remove(cut);
                prop_assert!(!reach(&fewer)[from][to]);
            }
        }

        #[test]
        fn input_order_does_not_matter(edges in any_edges(12)) {
            let mut turned = edges.clone();
            turned.reverse();
            turned.extend([(12, 0), (0, 99)]);
            let (one, other) = (graph(12, &edges), graph(12, &turned));
            prop_assert_eq!(one.cycles(), other.cycles());
            prop_assert_eq!(one.essential_edges(), other.essential_edges());
            prop_assert_eq!(one.critical_path(&[]), other.critical_path(&[]));
        }
    }
}
