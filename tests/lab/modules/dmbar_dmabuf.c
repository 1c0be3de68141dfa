// SPDX-License-Identifier: GPL-2.0-only
/*
 * A region as a dma-buf, exported the way drivers of GPUs do it: importers get
 * DMA addresses of the BAR, no pages, and only if they can reach it.
 */
#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/pci-p2pdma.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

#include "dmbar.h"

static int dmbar_attach(struct dma_buf *buf, struct dma_buf_attachment *at)
{
	struct dmbar_region *r = buf->priv;
	struct pci_dev *pdev = r->d->pdev;
#ifdef CONFIG_PCI_P2PDMA
	struct device *client = at->dev;
	int distance = pci_p2pdma_distance_many(pdev, &client, 1, true);

	pci_info(pdev, "attach by %s: peer-to-peer distance %d\n", dev_name(client), distance);
	if (distance < 0 && READ_ONCE(dmbar_strict))
		return -EREMOTEIO;
#else
	pci_info(pdev, "attach by %s: no peer-to-peer support in this kernel, not checked\n",
		 dev_name(at->dev));
#endif
	return 0;
}

/* bytes in one entry of a scatterlist */
static size_t dmbar_chunk_size(void)
{
	return max_t(size_t, PAGE_ALIGN_DOWN(READ_ONCE(dmbar_chunk)), PAGE_SIZE);
}

static void dmbar_unmap_entries(struct device *dev, struct sg_table *t, unsigned int n,
				enum dma_data_direction dir)
{
	struct scatterlist *sg;
	unsigned int i;

	for_each_sg(t->sgl, sg, n, i)
		dma_unmap_resource(dev, sg_dma_address(sg), sg_dma_len(sg), dir, 0);
}

static struct sg_table *dmbar_map(struct dma_buf_attachment *at, enum dma_data_direction dir)
{
	struct dmbar_region *r = at->dmabuf->priv;
	size_t chunk = dmbar_chunk_size(), off = 0;
	struct scatterlist *sg;
	struct sg_table *t;
	unsigned int i;
	int err;

	t = kzalloc(sizeof(*t), GFP_KERNEL);
	if (!t)
		return ERR_PTR(-ENOMEM);
	err = sg_alloc_table(t, DIV_ROUND_UP(r->len, chunk), GFP_KERNEL);
	if (err)
		goto free_struct;
	for_each_sg(t->sgl, sg, t->nents, i)
	{
		size_t len = min(chunk, r->len - off);
		dma_addr_t dma = dma_map_resource(at->dev, r->phys + off, len, dir, 0);

		if (dma_mapping_error(at->dev, dma)) {
			err = -EIO;
			goto unmap_entries;
		}
		/* there is no page: the DMA address and length are all that an importer may use */
		sg_set_page(sg, NULL, len, 0);
		sg_dma_address(sg) = dma;
		sg_dma_len(sg) = len;
		off += len;
	}
	return t;

unmap_entries:
	dmbar_unmap_entries(at->dev, t, i, dir);
	sg_free_table(t);
free_struct:
	kfree(t);
	return ERR_PTR(err);
}

static void dmbar_unmap(struct dma_buf_attachment *at, struct sg_table *t,
			enum dma_data_direction dir)
{
	dmbar_unmap_entries(at->dev, t, t->nents, dir);
	sg_free_table(t);
	kfree(t);
}

/*
 * The mapping is write-combining, which allows every access that memcpy()
 * makes, unaligned ones too, on every architecture; on some, a plain uncached
 * mapping does not. A cached one would be coherent under QEMU, whose ivshmem
 * memory is the host's RAM, but x86 keeps one memory type for a physical range:
 * with a cached mapping here, the simulated NIC could not map the BAR for its
 * DMA. QEMU ignores the type, so nothing is slower for it.
 */
static int dmbar_mmap(struct dma_buf *buf, struct vm_area_struct *vma)
{
	struct dmbar_region *r = buf->priv;

	/* what the core says for an exporter that has no mmap operation */
	if (!r->mappable)
		return -EINVAL;
	/* the core has checked that offset and length lie in the dma-buf */
	vma->vm_page_prot = pgprot_writecombine(vma->vm_page_prot);
	return io_remap_pfn_range(vma, vma->vm_start, PHYS_PFN(r->phys) + vma->vm_pgoff,
				  vma->vm_end - vma->vm_start, vma->vm_page_prot);
}

/* DMA_BUF_SYNC_END: what was written goes out of the write-combining buffers */
static int dmbar_end_cpu_access(struct dma_buf *buf, enum dma_data_direction dir)
{
	wmb();
	return 0;
}

static void dmbar_release(struct dma_buf *buf)
{
	dmbar_region_free(buf->priv);
}

static const struct dma_buf_ops dmbar_ops = {
	.attach = dmbar_attach,
	.map_dma_buf = dmbar_map,
	.unmap_dma_buf = dmbar_unmap,
	.end_cpu_access = dmbar_end_cpu_access,
	.mmap = dmbar_mmap,
	.release = dmbar_release,
};

/**
 * dmbar_export() - allocate device memory as a dma-buf
 * @d: device
 * @len: bytes, a multiple of the page size
 * @fd_flags: access mode and O_CLOEXEC
 *
 * The dma-buf keeps this module loaded, and frees the memory with its last
 * reference.
 *
 * Return: the dma-buf or an ERR_PTR.
 */
struct dma_buf *dmbar_export(struct dmbar *d, size_t len, u32 fd_flags)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct dmbar_region *r;
	struct dma_buf *buf;

	r = dmbar_region_alloc(d, len);
	if (IS_ERR(r))
		return ERR_CAST(r);
	info.ops = &dmbar_ops;
	info.size = len;
	info.flags = fd_flags;
	info.priv = r;
	buf = dma_buf_export(&info);
	if (IS_ERR(buf))
		dmbar_region_free(r);
	return buf;
}
