// SPDX-License-Identifier: GPL-2.0-only
/*
 * The "DMA engine" of dmsim: what a NIC does by bus mastering, the CPU does
 * here by copying, but only ever through DMA addresses. So it shows when an
 * exporter maps wrongly, or an importer computes a wrong address.
 *
 * A DMA address leads to RAM (through the direct map), or to a BAR of a PCI
 * device (through a mapping of that BAR, a "window"). The data path runs in
 * softirq context, where nothing can be mapped: a window to receive into is
 * mapped when its first buffer is posted. A driver doesn't learn in advance
 * what will be sent, so the first packet from a window waits for its mapping.
 */
#include <linux/io.h>
#include <linux/iommu.h>
#include <net/netmem.h>
#include <net/page_pool/helpers.h>

#include "dmsim.h"

static bool dmsim_is_ram(phys_addr_t phys)
{
	unsigned long pfn = PHYS_PFN(phys);

	/* peer-to-peer pages have a struct page but are not RAM */
	return pfn_valid(pfn) && !is_zone_device_page(pfn_to_page(pfn)) &&
	       !PageReserved(pfn_to_page(pfn));
}

/* the physical address behind @dma; @len is cut to what is contiguous there */
static phys_addr_t dmsim_dma_to_phys(struct dmsim_dev *dd, dma_addr_t dma, size_t *len)
{
	struct iommu_domain *dom = iommu_get_domain_for_dev(&dd->pdev->dev);
	phys_addr_t phys;

	if (!dom || !(dom->type & __IOMMU_DOMAIN_PAGING))
		return dma;
	*len = min_t(size_t, *len, PAGE_SIZE - offset_in_page(dma));
	phys = iommu_iova_to_phys(dom, dma);
	/* below a common switch a peer is reached by its bus address, past the IOMMU */
	return phys ?: dma;
}

static void __iomem *dmsim_window_find(struct dmsim_dev *dd, phys_addr_t phys, size_t *len)
{
	/* pairs with the release in dmsim_window_add(): entries below n are complete */
	int i, n = smp_load_acquire(&dd->nwindows);

	for (i = 0; i < n; i++) {
		const struct dmsim_window *w = &dd->window[i];

		if (phys >= w->start && phys < w->end) {
			*len = min_t(size_t, *len, w->end - phys);
			return w->va + (phys - w->start);
		}
	}
	return NULL;
}

static void dmsim_window_add(struct dmsim_dev *dd, struct pci_dev *owner, int bar)
{
	phys_addr_t start = pci_resource_start(owner, bar);
	resource_size_t len = pci_resource_len(owner, bar);
	struct dmsim_window *w = &dd->window[dd->nwindows];

	/*
	 * Write-combining, because that is what dmbar gives to user space:
	 * x86 keeps one memory type for a physical range, and refuses the
	 * later of two mappings that disagree.
	 */
	w->va = ioremap_wc(start, len);
	if (!w->va) {
		pci_warn(dd->pdev, "cannot map %s BAR%d\n", pci_name(owner), bar);
		return;
	}
	w->start = start;
	w->end = start + len;
	smp_store_release(&dd->nwindows, dd->nwindows + 1);
	pci_info(dd->pdev, "DMA window: %s BAR%d %pa+%#llx\n", pci_name(owner), bar, &start,
		 (u64)len);
}

/* process context only */
static void dmsim_window_map(struct dmsim_dev *dd, phys_addr_t phys)
{
	struct pci_dev *p = NULL;
	size_t len = 1;
	int bar;

	mutex_lock(&dd->window_lock);
	if (dmsim_window_find(dd, phys, &len))
		goto unlock;
	if (dd->nwindows == DMSIM_MAX_WINDOWS) {
		pci_warn_once(dd->pdev, "more than %d DMA windows\n", DMSIM_MAX_WINDOWS);
		goto unlock;
	}
	for_each_pci_dev(p)
	{
		for (bar = 0; bar < PCI_STD_NUM_BARS; bar++) {
			resource_size_t start = pci_resource_start(p, bar);
			resource_size_t size = pci_resource_len(p, bar);

			if (!(pci_resource_flags(p, bar) & IORESOURCE_MEM) || phys < start ||
			    phys - start >= size)
				continue;
			dmsim_window_add(dd, p, bar);
			pci_dev_put(p);
			goto unlock;
		}
	}
	pci_warn_once(dd->pdev, "DMA to %pa, which is neither RAM nor a PCI BAR\n", &phys);
unlock:
	mutex_unlock(&dd->window_lock);
}

static void dmsim_window_work(struct work_struct *work)
{
	struct dmsim_dev *dd = container_of(work, struct dmsim_dev, window_work);
	phys_addr_t phys = READ_ONCE(dd->window_wanted);
	size_t len = 1;
	int i;

	dmsim_window_map(dd, phys);
	if (!dmsim_window_find(dd, phys, &len))
		WRITE_ONCE(dd->window_none, phys);
	/* senders that waited for it, see dmsim_xmit() */
	for (i = 0; i < ARRAY_SIZE(dd->nd); i++) {
		const struct dmsim_priv *priv = netdev_priv(dd->nd[i]);

		if (READ_ONCE(priv->running))
			netif_tx_wake_all_queues(dd->nd[i]);
	}
}

static void dmsim_window_request(struct dmsim_dev *dd, phys_addr_t phys)
{
	WRITE_ONCE(dd->window_wanted, phys);
	schedule_work(&dd->window_work);
}

/**
 * dmsim_dma_premap() - make sure that a buffer can be reached
 * @dd: device
 * @dma: address of the buffer
 *
 * Called for the first buffer of a pool, in process context, so that no packet
 * is lost to a window that is not mapped yet.
 */
void dmsim_dma_premap(struct dmsim_dev *dd, dma_addr_t dma)
{
	size_t len = 1;
	phys_addr_t phys = dmsim_dma_to_phys(dd, dma, &len);

	if (!dmsim_is_ram(phys))
		dmsim_window_map(dd, phys);
}

/* copies @len bytes between @buf and a DMA address; any context; false: it leads nowhere */
static bool dmsim_dma_copy(struct dmsim_dev *dd, dma_addr_t dma, void *buf, size_t len, bool write)
{
	while (len) {
		size_t n = len;
		phys_addr_t phys = dmsim_dma_to_phys(dd, dma, &n);

		if (dmsim_is_ram(phys)) {
			if (write)
				memcpy(phys_to_virt(phys), buf, n);
			else
				memcpy(buf, phys_to_virt(phys), n);
		} else {
			void __iomem *io = dmsim_window_find(dd, phys, &n);

			if (!io) {
				dmsim_window_request(dd, phys);
				return false;
			}
			if (write) {
				memcpy_toio(io, buf, n);
				/* combined writes must be out before the packet is announced */
				wmb();
			} else {
				memcpy_fromio(buf, io, n);
			}
		}
		dma += n;
		buf += n;
		len -= n;
	}
	return true;
}

/**
 * dmsim_netmem_write() - put received bytes into a buffer
 * @dd: device
 * @nm: the buffer
 * @off: byte in the buffer
 * @buf: bytes
 * @len: how many
 *
 * Return: false when the memory cannot be reached.
 */
bool dmsim_netmem_write(struct dmsim_dev *dd, netmem_ref nm, u32 off, const void *buf, size_t len)
{
	if (!netmem_is_net_iov(nm)) {
		memcpy(netmem_address(nm) + off, buf, len);
		return true;
	}
	return dmsim_dma_copy(dd, page_pool_get_dma_addr_netmem(nm) + off, (void *)buf, len, true);
}

/**
 * dmsim_skb_map() - make sure that a packet to be sent can be read
 * @dd: device
 * @skb: packet; all its fragments in device memory are of one dma-buf, and so
 *	in one window
 *
 * Any context.
 *
 * Return: false when its window is not mapped yet; the transmit queues are
 * woken once it is. True where no window can be mapped: reading then fails.
 */
bool dmsim_skb_map(struct dmsim_dev *dd, const struct sk_buff *skb)
{
	const skb_frag_t *f = skb_shinfo(skb)->frags;
	const skb_frag_t *end = f + skb_shinfo(skb)->nr_frags;
	size_t len = 1;
	phys_addr_t phys;

	while (f < end && !skb_frag_is_net_iov(f))
		f++;
	if (f == end)
		return true;
	phys = dmsim_dma_to_phys(dd, page_pool_get_dma_addr_netmem(skb_frag_netmem(f)), &len);
	if (dmsim_is_ram(phys) || dmsim_window_find(dd, phys, &len) ||
	    phys == READ_ONCE(dd->window_none))
		return true;
	dmsim_window_request(dd, phys);
	return false;
}

/**
 * dmsim_skb_read() - read bytes of a packet to be sent
 * @dd: device
 * @skb: packet; its fragments may lie in device memory
 * @off: first byte
 * @buf: where to put them
 * @len: how many
 *
 * Return: false when the packet is shorter, or its memory cannot be reached.
 */
bool dmsim_skb_read(struct dmsim_dev *dd, struct sk_buff *skb, u32 off, void *buf, u32 len)
{
	u32 pos = skb_headlen(skb);
	int i;

	if (skb_frags_readable(skb))
		return !skb_copy_bits(skb, off, buf, len);
	if (off < pos) {
		u32 n = min(len, pos - off);

		memcpy(buf, skb->data + off, n);
		off += n;
		buf += n;
		len -= n;
	}
	for (i = 0; len && i < skb_shinfo(skb)->nr_frags; i++) {
		skb_frag_t *f = &skb_shinfo(skb)->frags[i];
		u32 size = skb_frag_size(f);

		if (off < pos + size) {
			u32 in = off - pos;
			u32 n = min(len, size - in);

			if (skb_frag_is_net_iov(f)) {
				dma_addr_t dma = page_pool_get_dma_addr_netmem(skb_frag_netmem(f));

				if (!dmsim_dma_copy(dd, dma + skb_frag_off(f) + in, buf, n, false))
					return false;
			} else {
				memcpy(buf, skb_frag_address(f) + in, n);
			}
			off += n;
			buf += n;
			len -= n;
		}
		pos += size;
	}
	return !len;
}

void dmsim_dma_init(struct dmsim_dev *dd)
{
	mutex_init(&dd->window_lock);
	INIT_WORK(&dd->window_work, dmsim_window_work);
}

/* after the last packet, and before the net_devices are gone */
void dmsim_dma_exit(struct dmsim_dev *dd)
{
	int i;

	cancel_work_sync(&dd->window_work);
	for (i = 0; i < dd->nwindows; i++)
		iounmap(dd->window[i].va);
}
