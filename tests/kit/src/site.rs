use conclave_engines::{LiveKit, Postgres, Redis};

use crate::{Balancer, Member, Plan, Server, create};

/// Several nodes that serve the same meetings, behind a load balancer that keeps nobody at one.
#[derive(Debug)]
pub struct Site {
    /// Where the order is made.
    pub redis: Redis,
    /// Where meetings are kept.
    pub postgres: Postgres,
    /// Killed on drop.
    pub nodes: Vec<Server>,
    /// The address of all of them.
    pub balancer: Balancer,
}

impl Site {
    /// With so many nodes, and one LiveKit server for all, if there is one.
    pub fn start(nodes: usize) -> anyhow::Result<Self> {
        Self::start_with(nodes, None)
    }

    /// The same; all meetings have this plan.
    pub fn start_with(nodes: usize, plan: Option<&Plan>) -> anyhow::Result<Self> {
        let (redis, postgres) = (Redis::start()?, Postgres::start()?);
        let variables = |livekit: Option<String>| {
            let mut variables = vec![("CONCLAVE_DATABASE", postgres.url()), ("CONCLAVE_BUS", redis.url())];
            variables.extend(plan.into_iter().flat_map(Plan::variables));
            variables.extend(livekit.map(|url| ("CONCLAVE_LIVEKIT", url)));
            variables
        };
        let mut started = vec![Server::start_beside(None, variables(None))?];
        while started.len() < nodes {
            let livekit = started[0].livekit.as_ref().map(LiveKit::url);
            started.push(Server::start_beside(started.first(), variables(livekit))?);
        }
        let balancer = Balancer::start(started.iter().map(|node| node.port).collect())?;
        Ok(Self { redis, postgres, nodes: started, balancer })
    }

    /// The same meeting, at this server.
    pub fn at(server: &str, link: &str) -> String {
        let fragment = link.split_once('#').map_or("", |(_, fragment)| fragment);
        format!("{server}/#{fragment}")
    }

    /// `link` at one node, whatever the load balancer would do.
    pub fn at_node(&self, node: usize, link: &str) -> String {
        Self::at(&self.nodes[node].url, link)
    }

    /// `link` at the address of all nodes.
    pub fn at_balancer(&self, link: &str) -> String {
        Self::at(&self.balancer.url, link)
    }

    /// The link of a meeting, and two who are in it, each at a node of its own.
    pub fn meeting_of_two(&self) -> anyhow::Result<(String, Member, Member)> {
        let link = create(&self.nodes[0].url, None)?;
        let mut ada = Member::join_silently(&self.at_node(0, &link), "Ada")?;
        ada.until_inside(1)?;
        let mut bela = Member::join_silently(&self.at_node(1, &link), "Bela")?;
        bela.until_inside(2)?;
        ada.until_inside(2)?;
        Ok((link, ada, bela))
    }
}
