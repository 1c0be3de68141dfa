// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocation of regions from the BAR.
 */
#include <linux/io.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "dmbar.h"

/**
 * dmbar_pool_create() - make all of the BAR free
 * @d: device; dmbar_put() destroys the pool
 *
 * Return: 0 or a negative error.
 */
int dmbar_pool_create(struct dmbar *d)
{
	int err;

	d->pool = gen_pool_create(PAGE_SHIFT, dev_to_node(&d->pdev->dev));
	if (!d->pool)
		return -ENOMEM;
	/* the pool never dereferences its addresses: physical ones will do, and are never 0 */
	err = gen_pool_add(d->pool, d->base, d->size, NUMA_NO_NODE);
	if (err) {
		gen_pool_destroy(d->pool);
		d->pool = NULL;
	}
	return err;
}

/*
 * New memory is zeroed, as that of every heap is: nobody reads what another
 * process left behind, and whatever a test finds in the BAR is new.
 */
static int dmbar_region_clear(const struct dmbar_region *r)
{
	size_t done, n;

	for (done = 0; done < r->len; done += n) {
		void __iomem *va;

		n = min_t(size_t, r->len - done, SZ_2M);
		/* write-combining, as every other mapping of this memory: see dmbar_mmap() */
		va = ioremap_wc(r->phys + done, n);
		if (!va)
			return -ENOMEM;
		memset_io(va, 0, n);
		wmb();
		iounmap(va);
		cond_resched();
	}
	return 0;
}

/**
 * dmbar_region_alloc() - allocate zeroed device memory
 * @d: device; gets a reference
 * @len: bytes, a multiple of the page size
 *
 * A region is aligned to the power of two below its length, up to 2 MiB, so
 * that receive buffers of every size fit it without remainder.
 *
 * Return: the region or an ERR_PTR.
 */
struct dmbar_region *dmbar_region_alloc(struct dmbar *d, size_t len)
{
	struct genpool_data_align align;
	struct dmbar_region *r;
	int err;

	/* checked before the rounding: the length comes from user space */
	if (len > d->size)
		return ERR_PTR(-ENOMEM);
	align.align = min_t(size_t, rounddown_pow_of_two(len), SZ_2M);
	r = kzalloc(sizeof(*r), GFP_KERNEL);
	if (!r)
		return ERR_PTR(-ENOMEM);
	r->d = dmbar_get(d);
	r->len = len;
	r->mappable = !READ_ONCE(dmbar_nommap);

	mutex_lock(&d->lock);
	err = -ENODEV;
	if (d->gone)
		goto unlock;
	err = -ENOMEM;
	r->phys = gen_pool_alloc_algo(d->pool, len, gen_pool_first_fit_align, &align);
	if (!r->phys)
		goto unlock;
	err = dmbar_region_clear(r);
	if (err)
		goto free_memory;
	list_add_tail(&r->node, &d->regions);
	mutex_unlock(&d->lock);
	pci_info(d->pdev, "alloc off=%#llx len=%#zx\n", dmbar_region_offset(r), len);
	return r;

free_memory:
	gen_pool_free(d->pool, r->phys, len);
unlock:
	mutex_unlock(&d->lock);
	dmbar_put(d);
	kfree(r);
	return ERR_PTR(err);
}

void dmbar_region_free(struct dmbar_region *r)
{
	struct dmbar *d = r->d;

	mutex_lock(&d->lock);
	list_del(&r->node);
	gen_pool_free(d->pool, r->phys, r->len);
	mutex_unlock(&d->lock);
	pci_info(d->pdev, "free off=%#llx len=%#zx\n", dmbar_region_offset(r), r->len);
	dmbar_put(d);
	kfree(r);
}

/* where the region lies in the BAR, and so in the file on the host that backs it */
u64 dmbar_region_offset(const struct dmbar_region *r)
{
	return r->phys - r->d->base;
}
